/** Runs cases one after the other and says how it went. */
import { messageOf } from "../../core/base/errors.ts";
import { type Case, ConformanceFailure } from "./case.ts";

export interface CaseResult {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly reason?: string;
  readonly milliseconds: number;
}

/** Plain data: `JSON.stringify(report)` is its JSON form. */
export interface Report {
  /** Which kit ran: `storage`. */
  readonly kit: string;
  /** What it ran against, for people. */
  readonly subject: string;
  /** No case failed, and at least one passed. */
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly results: readonly CaseResult[];
}

export interface RunOptions {
  /** A case that takes longer has failed. Milliseconds; default 120,000. */
  readonly case_timeout?: number;
  /** Called after each case. */
  onResult?(result: CaseResult): void;
}

/** A fresh context for one case, and what to do when it has ended. */
export interface Opened<Context, Capabilities> {
  readonly context: Context;
  readonly capabilities: Capabilities;
  close(): Promise<void>;
}

export async function runCase<Context, Capabilities>(
  { name, needs, run }: Case<Context, Capabilities>,
  open: () => Promise<Opened<Context, Capabilities>>,
  timeout = 120_000,
): Promise<CaseResult> {
  const began = performance.now();
  const result = (outcome: CaseResult["outcome"], reason?: string): CaseResult => ({
    name,
    outcome,
    ...(reason === undefined ? {} : { reason }),
    milliseconds: Math.round(performance.now() - began),
  });
  const attempt = async (): Promise<CaseResult> => {
    const opened = await open();
    let outcome: CaseResult;
    try {
      const reason = needs?.(opened.capabilities);
      if (reason === undefined) await run(opened.context);
      outcome = reason === undefined ? result("passed") : result("skipped", reason);
    } catch (error) {
      // The first failure is the one to tell; closing a broken adapter may well fail too.
      await opened.close().catch(() => {});
      throw error;
    }
    await opened.close();
    return outcome;
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ConformanceFailure(`no end after ${timeout} ms`)), timeout);
  });
  try {
    return await Promise.race([attempt(), tooLate]);
  } catch (error) {
    return result("failed", error instanceof ConformanceFailure ? error.message : `threw ${messageOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

export async function runCases<Context, Capabilities>(
  kit: string,
  subject: string,
  cases: readonly Case<Context, Capabilities>[],
  open: () => Promise<Opened<Context, Capabilities>>,
  options: RunOptions = {},
): Promise<Report> {
  const results: CaseResult[] = [];
  for (const one of cases) {
    const result = await runCase(one, open, options.case_timeout);
    results.push(result);
    options.onResult?.(result);
  }
  const count = (outcome: CaseResult["outcome"]) => results.filter((result) => result.outcome === outcome).length;
  const [passed, failed, skipped] = [count("passed"), count("failed"), count("skipped")];
  return { kit, subject, ok: failed === 0 && passed > 0, passed, failed, skipped, results };
}

/** For people: a line a case, then the verdict. */
export function renderReport(report: Report): string {
  const lines = report.results.map(
    ({ name, outcome, reason }) => `${outcome.padEnd(7)} ${name}${reason === undefined ? "" : `\n        ${reason}`}`,
  );
  const { kit, subject, ok, passed, failed, skipped } = report;
  const verdict = `${kit} kit, ${subject}: ${passed} passed, ${failed} failed, ${skipped} skipped`;
  return [...lines, "", `${verdict}: ${ok ? "it keeps its promises" : "it does NOT keep its promises"}`, ""].join("\n");
}

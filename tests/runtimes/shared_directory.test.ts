/** What one runtime wrote the others read, byte for byte, in one data directory. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { environment, PATIENCE, ROOT, RUNTIME_NAMES, RUNTIMES, type RuntimeName, temporary } from "../cli/support.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("shared-directory");

async function library(runtime: RuntimeName, ...args: string[]): Promise<Record<string, unknown>> {
  const child = Bun.spawn([...RUNTIMES[runtime], join(ROOT, "tests/runtimes/library.ts"), dir, ...args], {
    cwd: ROOT,
    env: environment(),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0 || stderr !== "") throw new Error(`${runtime} ${args.join(" ")} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

test("each runtime, one after the other and all at once, adds a package that all three read and prove alike", async () => {
  for (const runtime of RUNTIME_NAMES) await library(runtime, "write", `alone-${runtime}`);
  await Promise.all(RUNTIME_NAMES.map((runtime) => library(runtime, "write", `together-${runtime}`)));
  const reports = [];
  for (const runtime of RUNTIME_NAMES) reports.push(await library(runtime, "read"));
  expect(reports[0]).toMatchObject({
    log: true,
    replay: true,
    packages: ["alone", "together"].flatMap((when) =>
      ["bun", "deno", "node"].map((runtime) => ({
        name: `${when}-${runtime}`,
        ok: true,
        sizes: [0, 1, 3_000_000, 65_536, `${when}-${runtime}`.length],
      })),
    ),
  });
  expect(reports[1]).toEqual(reports[0] as Record<string, unknown>);
  expect(reports[2]).toEqual(reports[0] as Record<string, unknown>);
});

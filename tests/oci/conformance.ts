/**
 * The conformance suite of the distribution spec, everything switched on. Its exit code is 0 when tests are skipped and
 * when it could not start, so its reports are read: each test, and each row of the summary, has to say Pass.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { commit, Tally, workspace } from "../soak/rig.ts";
import { openDoors } from "./doors.ts";
import { allOn, type Report, readReport, short } from "./report.ts";
import { runSuite, SUITE_SETTINGS } from "./suite.ts";

const USAGE = `usage: tests/oci/conformance [options]
  --suite <path>         the program of opencontainers/distribution-spec/conformance (or ARTIFACTSTORE_TEST_OCI_SUITE)
  --runtimes <list>      of the server: bun (default), deno, node; comma-separated
  --registry <host:port> a registry that runs on this machine, instead of a server of this checkout
  --keep <dir>           where reports of a failed run are copied to (default: build/oci)
  --filter <name>        only tests whose name begins so; for looking into a failure, always ends as failed`;

const { values } = parseArgs({
  options: {
    suite: { type: "string" },
    runtimes: { type: "string", default: "bun" },
    registry: { type: "string" },
    keep: { type: "string", default: "build/oci" },
    filter: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
/** As many rows as the suite of July 2026 has: 28 of the API, 24 of the data. */
const ROWS = 52;
const TESTS = 800;
/** Failures that are told with their requests. */
const PRINTED = 30;

const tally = new Tally();
const folder = workspace("oci");

/** Runs it; `undefined` where it wrote no report. */
async function run(
  suite: string,
  host: string,
  results: string,
): Promise<{ readonly report: Report | undefined; readonly said: string }> {
  mkdirSync(results);
  const filter: Record<string, string> = values.filter === undefined ? {} : { OCI_FILTER_TEST: values.filter };
  const said = await runSuite(suite, host, results, filter);
  const complete = ["results.yaml", "junit.xml"].every((name) => existsSync(join(results, name)));
  return { report: complete ? readReport(results) : undefined, said };
}

function judge(name: string, results: string, { report, said }: Awaited<ReturnType<typeof run>>): void {
  if (report === undefined) {
    tally.record(`${name}: the suite writes its report`, [said.slice(-2000) || "it said nothing"]);
    return;
  }
  const { rows, tests } = report;
  for (const { kind, label, status } of rows) {
    tally.record(`${name}: ${kind}: ${label}`, status === "Pass" ? [] : [status]);
  }
  const wrong = tests.filter(({ status }) => status !== "passed");
  tally.passed += tests.length - wrong.length;
  tally.failed += wrong.length;
  const enough = [];
  if (rows.length < ROWS) enough.push(`${rows.length} rows, expected ${ROWS}`);
  if (tests.length < TESTS) enough.push(`${tests.length} tests, expected ${TESTS}`);
  tally.record(`${name}: everything was switched on and ran`, [...enough, ...allOn(report)]);
  console.log(`${name}: ${tests.length - wrong.length} tests passed, ${wrong.length} did not, ${report.seconds} s`);
  for (const test of wrong.slice(0, PRINTED)) console.log(short(test));
  if (wrong.length > PRINTED) console.log(`and ${wrong.length - PRINTED} more`);
  if (wrong.length === 0 && enough.length === 0) return;
  const kept = join(resolve(values.keep), name.replaceAll(/[^a-z0-9.]+/g, "_"));
  cpSync(results, kept, { recursive: true });
  console.log(`the whole report: ${join(kept, "report.html")}`);
}

const suite = values.suite ?? process.env.ARTIFACTSTORE_TEST_OCI_SUITE;
if (suite === undefined || suite === "") {
  console.log("skipped: no conformance suite here; name its program in ARTIFACTSTORE_TEST_OCI_SUITE");
  process.exit(77);
}
const program = resolve(suite);
const sha256 = createHash("sha256").update(readFileSync(program)).digest("hex");
console.log(`conformance suite ${program} (sha256 ${sha256.slice(0, 12)}), commit ${commit()}`);
const { runtimes, registry } = values;
for await (const door of openDoors({ runtimes, registry, folder, tally, settings: SUITE_SETTINGS })) {
  const results = join(folder, `results-${door.name.replace(":", "-")}`);
  judge(door.name, results, await run(program, door.host, results));
  await door.close();
}
tally.finish();
process.exit();

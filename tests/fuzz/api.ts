/**
 * schemathesis over `/openapi.json` of a real server: every operation, all checks, examples, coverage, fuzzing, stateful.
 * The store has things in it, whose ids the fuzzer is given. Usage: tests/fuzz/api --help
 */
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { lookAtAll, serve, sqlitePlace } from "../e2e/bad_days.ts";
import { chooseSeed, commit, tracked, workspace } from "../soak/rig.ts";
import { openPlace, type Place } from "../soak/worker.ts";
import { seedStore } from "./seed_store.ts";

const USAGE = `usage: tests/fuzz/api [options]
  --examples <n>      cases for each operation (default 50)
  --runtime <name>    of the server: bun (default), deno or node
  --seed <n>          as printed by the run to repeat (or ARTIFACTSTORE_TEST_SEED)
  --python <path>     that has schemathesis; otherwise a virtual environment is made, and thrown away
  -- ...              more options of \`schemathesis run\``;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    examples: { type: "string", default: "50" },
    runtime: { type: "string", default: "bun" },
    seed: { type: "string" },
    python: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const runtime = (["bun", "deno", "node"] as const).find((name) => name === values.runtime);
if (runtime === undefined) throw new Error(`--runtime is bun, deno or node, not ${values.runtime}`);
const seed = chooseSeed(values.seed);
const folder = workspace("fuzz");
const here = import.meta.dirname;

/** What chance may close before it is their turn, package or upload: for these a conflict is an answer of what is there. */
const NEEDS_OPEN: ReadonlySet<string> = new Set([
  "POST /packages/{id}/finalize",
  "POST /packages/{id}/abandon",
  "PUT /packages/{id}/files/{path}",
  "DELETE /packages/{id}/files/{path}",
  "POST /packages/{id}/archive",
  "POST /uploads",
  "PATCH /uploads/{id}",
  "DELETE /uploads/{id}",
]);

interface Report {
  readonly complete: boolean;
  readonly operations: { readonly total: number; readonly tested: number };
  readonly phases: Readonly<Record<string, { readonly status: string }>>;
  readonly test_cases: { readonly generated: number };
  readonly failures: readonly { readonly title: string; readonly operations: readonly string[] }[];
  readonly errors: readonly unknown[];
  readonly valid_rates: Readonly<
    Record<string, Readonly<Record<string, { readonly accepted: number; readonly conflicts: number }>>>
  >;
}

/** A Python that has schemathesis; `undefined` where there is none to be had, and why is said. */
function python(): string | undefined {
  if (values.python !== undefined) return values.python;
  const venv = join(folder, "venv");
  for (const [command, ...args] of [
    ["python3", "-m", "venv", venv],
    [join(venv, "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "-r", join(here, "requirements.txt")],
  ] as const) {
    const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8" });
    if (status === 0) continue;
    const why = error?.message ?? stderr.trim().split("\n").at(-1);
    console.log(`skipped: ${command} ${args.slice(0, 2).join(" ")} failed: ${why} (wanted: python3-venv and PyPI)`);
    return undefined;
  }
  return join(venv, "bin/python");
}

/** Runs it where its configuration lies; what it prints is printed. */
function schemathesis(program: string, url: string, report: string): Promise<number> {
  const args = ["-m", "schemathesis.cli", "run", `${url}/openapi.json`, "--seed", String(seed), "--no-color"];
  args.push("--max-examples", String(values.examples), "--report-json-path", report, ...positionals);
  const env = { ...process.env, SCHEMATHESIS_HOOKS: "hooks", PYTHONDONTWRITEBYTECODE: "1" };
  const child = tracked(spawn(program, args, { cwd: folder, env, stdio: ["ignore", "inherit", "inherit"] }));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? -1));
  });
}

/** What is left of them is garbage then, which doctor has to find. */
async function expireUploads(place: Place): Promise<void> {
  const { database, registry } = await openPlace(place);
  await database.write((trx) =>
    trx.updateTable("upload_sessions").set({ expires_at: "2000-01-01T00:00:00.000Z" }).execute(),
  );
  await registry.close();
}

let passed = 0;
let failed = 0;
function check(sentence: string, right: boolean, why: unknown = ""): void {
  if (right) passed++;
  else failed++;
  console.log(`${right ? "(pass)" : "(FAIL)"} ${sentence}${right ? "" : `: ${JSON.stringify(why)}`}`);
}

const program = python();
if (program === undefined) {
  check("schemathesis: skipped, see above", true);
} else {
  console.log(`fuzz: seed ${seed}, commit ${commit()}, ${values.examples} examples, server on ${runtime}`);
  mkdirSync(join(folder, "objects"));
  const place = sqlitePlace(join(folder, "objects"), join(folder, "app.db"));
  const server = await serve(place, runtime);
  writeFileSync(
    join(folder, "schemathesis.toml"),
    `${readFileSync(join(here, "schemathesis.toml"), "utf8")}\n${await seedStore(server.url)}`,
  );
  copyFileSync(join(here, "hooks.py"), join(folder, "hooks.py"));
  const path = join(folder, "report.json");
  const status = await schemathesis(program, server.url, path);
  const report = JSON.parse(readFileSync(path, "utf8")) as Report;
  const { operations, failures, errors, phases, valid_rates, test_cases } = report;
  console.log(`${test_cases.generated} cases, ended with ${status}`);
  const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: Record<string, object> };
  const labels = new Set(
    Object.entries(paths).flatMap(([at, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${at}`),
    ),
  );
  for (const label of labels) {
    const wrong = failures.filter((failure) => failure.operations.includes(label));
    check(label, wrong.length === 0, wrong);
  }
  const strangers = [...NEEDS_OPEN].filter((label) => !labels.has(label));
  check("the operations that need something open are there", strangers.length === 0, strangers);
  const strays = failures.filter((failure) => !failure.operations.some((one) => labels.has(one)));
  check("nothing else was wrong", strays.length === 0 && errors.length === 0 && status === 0, {
    strays,
    errors,
    status,
  });
  const ran = ["examples", "coverage", "fuzzing", "stateful"].every((name) => phases[name]?.status !== "skip");
  const all = report.complete && ran && operations.tested === operations.total;
  check("every operation was tried, in every phase", all, { phases, operations });
  const unreached = Object.entries(valid_rates).filter(([label, of]) =>
    Object.values(of).every(({ accepted, conflicts }) => accepted + (NEEDS_OPEN.has(label) ? conflicts : 0) === 0),
  );
  check("every operation reached something", unreached.length === 0, unreached);
  const health = await server.health();
  check("the server is in good health afterwards", health.http === 200, health.body);
  await server.stop();
  await expireUploads(place);
  const finding = await lookAtAll(place);
  check("and so is the store", finding.problems.length === 0, finding);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

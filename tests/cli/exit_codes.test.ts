/** What scripts rely on: the exit code, and JSON on stdout with --json whatever the command. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  cli,
  filesBelow,
  finished,
  ingest,
  json,
  jsonLines,
  ok,
  PATIENCE,
  ROOT,
  staged,
  start,
  temporary,
  until,
} from "./support.ts";
import { put } from "./trees.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("exit-codes");
const data = join(dir, "data");
const tree = join(dir, "tree");
put(tree, "file", "content");
put(tree, "sub/empty", "");
const { package_id } = await ingest(tree, { data }, "--version", "1");
put(dir, "array.json", "[1]");
put(dir, "broken.json", "{");
put(dir, "occupied/file", "");
const named = ["--name", "demo", "--retention-class", "working"];

/** What is said names the test; temporary paths do not. */
type Case = readonly [args: string[], said: string];
const swapped = ([args, said]: Case): [string, string[]] => [said, args];

describe("0: done", () => {
  test.each(["--help", "--version", "-V", "help ingest", "ingest --help", "events --help", "version"])(
    "artifactstore %s",
    async (line) => {
      const run = await cli(line.split(" "), { cwd: dir });
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(run.stdout).not.toBe("");
    },
  );

  test("--version and version know number and commit", async () => {
    const text = await ok(["--version"]);
    const { version } = await Bun.file(join(ROOT, "package.json")).json();
    expect(text).toMatch(/^artifactstore \S+ \(([0-9a-f]{12}(-dirty)?|unknown)\)\n$/);
    expect(await json(["version"])).toMatchObject({ version, runtime: { name: "bun" } });
    expect(text).toStartWith(`artifactstore ${version} `);
  });
});

test("adapter verify file:///...-test runs the kit on a directory; one of another name is refused and left as it was", async () => {
  const passes = join(dir, "x-test");
  const report = await ok(["adapter", "verify", `file://${passes}`], { cwd: dir });
  expect(report).toMatch(/\b[1-9]\d* passed, 0 failed\b/);

  const other = join(dir, "x-tests");
  put(other, "precious", "content");
  const refused = await cli(["adapter", "verify", `file://${other}`], { cwd: dir });
  expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 2, stdout: "" });
  expect(refused.stderr).toContain('ends in "-test"');
  expect(filesBelow(other)).toEqual([join(other, "precious")]);
});

describe("2: the command line, an argument or the configuration is wrong", () => {
  test.each(
    (
      [
        [[], "Usage: artifactstore"],
        [["events"], "Usage: artifactstore events"],
        [["ingets"], "(Did you mean ingest?)"],
        [["ls", "--bogus"], "unknown option '--bogus'"],
        [["show"], "missing required argument 'package'"],
        [["show", "one", "two"], "too many arguments"],
        [["ls", "--state", "lost"], "open, finalized, abandoned"],
        [["ingest", tree, "--name", "demo"], "--retention-class"],
        [["ingest", join(dir, "nowhere"), ...named], "is not a directory that can be read"],
        [["ingest", join(tree, "file"), ...named], "is not a directory that can be read"],
        [["ingest", tree, "--name", "Not A Name", "--retention-class", "working"], "A package name has"],
        [["ingest", tree, ...named, "--version", "no/tag"], "A version has"],
        [["ingest", tree, ...named, "--metadata", "novalue"], "--metadata takes key=value"],
        [["ingest", tree, ...named, "--metadata-file", join(dir, "array.json")], "holds no JSON object"],
        [["ingest", tree, ...named, "--metadata-file", join(dir, "broken.json")], "is not a JSON file"],
        [["ingest", tree, ...named, "--ref", "nothing"], "--ref takes system:id"],
        [["ingest", tree, ...named, "--concurrency", "0"], "from 1 to 256"],
        [["fetch", "demo@1", join(dir, "x"), "--concurrency", "many"], "from 1 to 256"],
        [["events", "tail", "--since", "-1"], "--since takes a whole number"],
        [["events", "verify", "--expect", "7"], "<sequence>:<64 hexadecimal digits>"],
        [["doctor", "--grace", "soon"], "--grace: A duration reads"],
        [
          ["push", tree, ...named, "--patience", "90", "--server", "http://127.0.0.1:1"],
          "--patience: A duration reads",
        ],
        [["adapter", "verify", "ftp://x"], "names no adapter"],
        [["adapter", "verify", `file://${dir}`], 'ends in "-test"'],
        [["serve", "--listen", "0.0.0.0:0"], "server.insecure"],
        [["config", "show", "--set", "data.dri=x"], "did you mean data.dir?"],
      ] as Case[]
    ).map(swapped),
  )("%s", async (said, args) => {
    const run = await cli(args, { data: args.length > 1 ? data : undefined } as { data: string });
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: "" });
    expect(run.stderr).toContain(said);
  });

  test("a usage error is JSON as well with --json", async () => {
    const { code, stderr } = await cli(["ls", "--bogus", "--json"]);
    expect(code).toBe(2);
    expect(jsonLines(stderr)).toMatchObject([{ error: { code: "invalid_argument" } }]);
  });

  test("two sources of one rank that disagree are an error that names both", async () => {
    const env = { ARTIFACTSTORE_LISTEN: "127.0.0.1:1", ARTIFACTSTORE_SERVER_LISTEN: "127.0.0.1:2" };
    const run = await cli(["config", "show"], { env });
    expect(run.code).toBe(2);
    expect(run.stderr).toContain("ARTIFACTSTORE_LISTEN");
    expect(run.stderr).toContain("ARTIFACTSTORE_SERVER_LISTEN");
    const same = { ARTIFACTSTORE_LISTEN: "127.0.0.1:2", ARTIFACTSTORE_SERVER_LISTEN: "127.0.0.1:2" };
    expect((await cli(["config", "show"], { env: same })).code).toBe(0);
  });
});

describe("4: refused", () => {
  test.each(
    (
      [
        [["show", "demo@2"], 'no package "demo@2"'],
        [["fetch", "01a1fde7-0000-7000-8000-000000000000", join(dir, "none")], "There is no package"],
        [["ingest", tree, "--name", "demo", "--retention-class", "for-ever"], "for-ever"],
        [["ingest", tree, ...named, "--metadata-schema", "unheard-of"], "unheard-of"],
        [["ingest", tree, ...named, "--version", "1"], "demo@1"],
        [["fetch", "demo@1", join(dir, "occupied")], "is not empty"],
        [["fetch", "demo@1", join(tree, "file")], "is not a directory"],
      ] as Case[]
    ).map(swapped),
  )("%s", async (said, args) => {
    const run = await cli(args, { data });
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 4, stdout: "" });
    expect(run.stderr).toContain(said);
    expect((await json(["doctor"], { data })).open_packages).toBe(0);
  });
});

describe("6: storage or database unavailable", () => {
  test("a database that is none is left alone", async () => {
    const bad = join(dir, "no-database");
    mkdirSync(bad);
    writeFileSync(join(bad, "artifact-store.db"), "this is not a database, it only lies in its place\n".repeat(100));
    const run = await cli(["ls"], { data: bad });
    expect(run.code).toBe(6);
    expect(run.stderr).not.toContain("internal error");
    expect(await Bun.file(join(bad, "artifact-store.db")).text()).toStartWith("this is not a database");
  });

  test("nobody answers at the database URL", async () => {
    const run = await cli(["ls"], { env: { ARTIFACTSTORE_DATABASE_URL: "postgres://u:hunter2@127.0.0.1:1/x" } });
    expect(run.code).toBe(6);
    expect(run.stderr).not.toContain("internal error");
    expect(run.stderr).not.toContain("hunter2");
  });

  test("a directory that cannot be written to, and a target that cannot", async () => {
    put(dir, "a-file", "");
    const run = await cli(["ls"], { data: join(dir, "a-file/data") });
    expect(run.code).toBe(6);
    expect(run.stderr).toContain("a-file");
    const fetched = await cli(["fetch", "demo@1", "/proc/nothing/can/be/made/here"], { data });
    expect(fetched.code).toBe(6);
    expect(fetched.stderr).toContain("/proc/nothing/can/be/made/here cannot be written");
  });
});

describe("--json", () => {
  const server = start(["serve", "--listen", "127.0.0.1:0", "--json"], { data });
  afterAll(() => void server.kill());

  test.each(
    (
      [
        ["ingest", tree, ...named],
        ["show", "demo@1"],
        ["ls"],
        ["ls", "demo@1"],
        ["manifest", "demo@1"],
        ["fetch", "demo@1", join(dir, "fetched")],
        ["verify", "demo@1"],
        ["events", "tail"],
        ["events", "verify"],
        ["events", "head"],
        ["replay"],
        ["replay", "--check"],
        ["doctor"],
        ["doctor", "--fix"],
        ["migrate"],
        ["health"],
        ["adapter", "verify", "memory:"],
        ["config", "show"],
        ["version"],
      ] as string[][]
    ).map((args): [string, string[]] => [args.filter((word) => !word.includes(dir)).join(" "), args]),
  )("%s prints JSON lines, on stderr too", async (_line, args) => {
    const run = await cli([...args, "--json"], { data });
    expect(run.code).toBe(0);
    const text = args[0] === "manifest" ? `${run.stdout}\n` : run.stdout;
    expect(jsonLines(text).length).toBeGreaterThan(0);
    for (const line of run.stderr.split("\n").filter(Boolean)) JSON.parse(line);
  });

  test("serve says where it listens, which its health report repeats field by field", async () => {
    const { value } = await server.stdout.getReader().read();
    const [said] = jsonLines(new TextDecoder().decode(value));
    const report = (await (await fetch(`${said?.listening}/health`)).json()) as Record<string, unknown>;
    expect(report).toMatchObject({
      status: "ok",
      version: expect.any(String),
      commit: expect.any(String),
      registry: { ok: true, head: { sequence: expect.any(Number), hash: expect.stringMatching(/^[0-9a-f]{64}$/) } },
      database: { ok: true, kind: "sqlite", version: expect.stringMatching(/^3\./), synchronous: "FULL" },
      storage: [{ kind: "fs", ok: true, writable: true, free_bytes: expect.any(Number) }],
      hasher: { kernel: expect.stringMatching(/^(native|wasm|portable)$/) },
      runtime: { name: "bun", version: Bun.version },
    });
    expect(Object.keys(said ?? {}).sort()).toEqual(["listening", ...Object.keys(report)].sort());
  });
});

test("progress comes as plain lines on stderr when there is no terminal, as JSON lines with --json", async () => {
  const large = join(dir, "large");
  truncateSync(put(large, "zeros", ""), 2 ** 28);
  const lines = ["", "--json"].map(async (more) => {
    const where = { data: join(dir, `progress${more}`) };
    const child = start(["ingest", large, ...named, ...(more === "" ? [] : [more])], where);
    await until(() => staged(where.data).length > 0);
    // Lines come every five seconds; who sleeps so long in the middle owes one.
    child.kill("SIGSTOP");
    await Bun.sleep(5200);
    child.kill("SIGCONT");
    return (await finished(child)).stderr.split("\n")[0] as string;
  });
  const [plain, json] = (await Promise.all(lines)) as [string, string];
  expect(plain).toMatch(/^ingest \d+% {2}[01]\/1 files {2}[\d.]+ \w+ of 256 MiB {2}[\d.]+ \w+\/s/);
  expect(JSON.parse(json)).toMatchObject({ progress: { label: "ingest", files_total: 1, bytes_total: 2 ** 28 } });
});

test("config show tells every value, where it came from, and no password", async () => {
  const cwd = join(dir, "config");
  put(cwd, "artifactstore.toml", "[limits]\nmax_files_per_package = 7\n");
  const env = { ARTIFACTSTORE_DATABASE_URL: "postgres://me:hunter2@db.example/x", ARTIFACTSTORE_LOG_LEVEL: "warn" };
  const text = await ok(["config", "show", "--listen", "127.0.0.1:9"], { cwd, env });
  expect(text).toMatch(/^server\.listen +127\.0\.0\.1:9 +flag --listen$/m);
  expect(text).toMatch(/^log\.level +warn +environment variable ARTIFACTSTORE_LOG_LEVEL$/m);
  expect(text).toMatch(/^limits\.max_files_per_package +7 +\.\/artifactstore\.toml$/m);
  expect(text).toMatch(/^data\.dir +\S+\/config\/data +default$/m);
  expect(text).not.toContain("hunter2");
  expect(text).toContain("postgres://me:***@db.example/x");
});

test("name@version and the id name the same package, everywhere", async () => {
  for (const command of ["show", "verify", "manifest", "ls"]) {
    expect(await ok([command, "demo@1"], { data })).toBe(await ok([command, package_id], { data }));
  }
});

/** `push` over a network that breaks, to a server that dies, from a process that is killed: real ones, all of them. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { renameSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chooseSeed, createRandom } from "../../soak/rig.ts";
import {
  cli,
  difference,
  type Ingested,
  ingest,
  json,
  jsonLines,
  ok,
  PATIENCE,
  RUNTIME_NAMES,
  type start,
  temporary,
  until,
} from "../support.ts";
import { awkwardTree, noise, put } from "../trees.ts";
import { finished, makeStore, pusher, type Store } from "./support.ts";
import { layWire, type Wire } from "./wire.ts";

setDefaultTimeout(PATIENCE);
const MIB = 2 ** 20;
const dir = temporary("push");
let store: Store;
let wire: Wire;
let count = 0;

beforeAll(async () => {
  store = await makeStore(join(dir, "data"));
  await store.begin();
  wire = await layWire(store.port);
});
afterAll(() => wire.stop());

const fresh = (name: string) => join(dir, `${name}-${++count}`);

/** Some small files, one of which goes in one request though it is not so small, and a big one. */
function makeTree(big = 20 * MIB): string {
  const tree = fresh("tree");
  put(tree, "big.bin", noise(big, ++count));
  put(tree, "middle.bin", noise(3 * MIB, ++count));
  for (let i = 0; i < 20; i++) put(tree, `small/${i}`, `${count} ${i}`);
  symlinkSync("small/1", join(tree, "link"));
  return tree;
}

/** A user of their own, through the wire. */
const somebody = (tree: string, server = wire.url) => pusher(tree, server, fresh("state"));

/** Read back, it is what the directory is. */
async function expectSame(tree: string, { package_id }: Pick<Ingested, "package_id">): Promise<void> {
  const back = fresh("back");
  await ok(["fetch", package_id, back, "--server", store.url]);
  expect(difference(tree, back)).toBe("");
  rmSync(back, { recursive: true });
}

/** The wire stands still once so many more bytes went over it. A push that ends before that is a failure. */
async function reach(child: ReturnType<typeof start>, after: number, line = wire): Promise<void> {
  const held = line.hold(after).then(() => true);
  if (await Promise.race([held, child.exited.then(() => false)])) return;
  throw new Error(`ended with ${child.exitCode} too early: ${await new Response(child.stderr).text()}`);
}

const packagesSince = async (before: number) => (await store.packages()).slice(0, -before || undefined);

describe.each(RUNTIME_NAMES)("on %s", (runtime) => {
  test("a push prints what an ingest prints, and makes a package of the same entries", async () => {
    const tree = fresh("awkward");
    awkwardTree(tree);
    put(tree, "in-parts.bin", noise(9 * MIB, 77));
    const data = fresh("data");
    const here = await ingest(tree, { data, runtime }, "--sha512");
    const { notes, ...there } = await pusher(tree, store.url, fresh("state"), { runtime }).push("--sha512");
    expect(notes).toEqual([]);
    expect(Object.keys(there)).toEqual(Object.keys(here));
    const same = ({ files, refused, ...counts }: Ingested["ingest"]) => [files, refused, Object.keys(counts)];
    expect(same(there.ingest)).toEqual(same(here.ingest));
    expect(await ok(["ls", there.package_id, "--json", "--server", store.url])).toBe(
      await ok(["ls", here.package_id, "--json"], { data }),
    );
    await expectSame(tree, there);
  });

  test("two at once: the second is told who the first is; when that one is killed, the next may", async () => {
    const user = pusher(makeTree(), wire.url, fresh("state"), { runtime });
    const first = user.start();
    await reach(first, MIB);
    const second = await user.run();
    expect(second).toMatchObject({ code: 4, stdout: "" });
    expect(second.stderr).toContain(`is being pushed already, by process ${first.pid} since 20`);
    first.kill("SIGKILL");
    await first.exited;
    wire.release();
    expect((await user.push()).ingest.files).toBe(22);
    expect(user.journals()).toEqual([]);
  });
});

test("ingest with --server is a push", async () => {
  const tree = makeTree();
  const user = somebody(tree);
  const env = { XDG_STATE_HOME: fresh("state"), ARTIFACTSTORE_SERVER: wire.url };
  const done = await ingest(tree, { env });
  expect(done.ingest).toMatchObject({ files: 22, symlinks: 1, deduplicated_files: 0 });
  await expectSame(tree, done);
  expect((await user.push()).ingest).toMatchObject({ files: 22, symlinks: 1, deduplicated_files: 22 });
});

test("without a server it says how to name one", async () => {
  const { code, stderr } = await cli(["push", dir, "--name", "demo", "--retention-class", "working"]);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr:
      "artifactstore: A push needs a server: name it with --server or ARTIFACTSTORE_SERVER, or use ingest for a store on this machine\n",
  });
});

test("a network that breaks, and breaks again, costs the bytes that were under way", async () => {
  const tree = makeTree(40 * MIB);
  const user = somebody(tree);
  const before = wire.sent;
  const child = user.start("--json");
  for (const after of [2 * MIB, 9 * MIB, 20 * MIB]) {
    await reach(child, after);
    wire.cut();
    wire.release();
  }
  const run = await finished(child);
  expect(run).toMatchObject({ code: 0 });
  await expectSame(tree, JSON.parse(run.stdout));
  expect(wire.sent - before).toBeLessThan(43 * MIB + 3 * 8 * MIB);
  expect(user.journals()).toEqual([]);
});

test("a network that is away for a while is waited for, and that is said", async () => {
  const tree = makeTree();
  const child = somebody(tree).start();
  await reach(child, 5 * MIB);
  wire.down();
  wire.release();
  await Bun.sleep(2500);
  wire.up();
  const run = await finished(child);
  expect(run).toMatchObject({ code: 0 });
  expect(run.stderr).toContain("the server does not answer; trying again for 10 more minutes (No answer from");
  expect(run.stderr).toContain("the server answers again\n");
});

test("patience has an end", async () => {
  const child = somebody(makeTree()).start("--patience", "2s");
  await reach(child, 5 * MIB);
  wire.down();
  wire.release();
  const run = await finished(child);
  wire.up();
  expect(run).toMatchObject({ code: 6, stdout: "" });
  expect(run.stderr).toContain("stays open, with what it has; run the same command again to go on");
});

test("no answer that is lost makes a second package, fails a push or doubles a file", async () => {
  const tree = makeTree();
  const before = (await store.packages()).length;
  const lost = wire.lost;
  wire.loseAnswers(
    /^POST \/packages /,
    /^PUT \/packages\/[^/]+\/files\/link/,
    /^PUT \/packages\/[^/]+\/files\/small/,
    /^PUT \/packages\/[^/]+\/files\/middle/,
    /^POST \/uploads/,
    /^PATCH \/uploads\/[^ ]+ [\s\S]*upload-complete: \?1/i,
    /^POST \/packages\/[^/]+\/finalize/,
  );
  const done = await somebody(tree).push("--concurrency", "4");
  expect(wire.lost - lost).toBe(7);
  expect(done.ingest).toMatchObject({ files: 22, symlinks: 1 });
  await expectSame(tree, done);
  expect(await packagesSince(before)).toMatchObject([{ package_id: done.package_id, state: "finalized" }]);
});

test.each([
  ["in one request", 3 * MIB],
  ["in parts", 20 * MIB],
])("bytes that arrive as others are refused before they have a name, and sent again (%s)", async (_how, size) => {
  const tree = fresh("tree");
  put(tree, "file", noise(size, ++count));
  const corrupted = wire.corrupted;
  wire.corruptOnce(30_000);
  const done = await somebody(tree).push();
  expect(wire.corrupted - corrupted).toBe(1);
  await expectSame(tree, done);
  const events = jsonLines(await ok(["events", "tail", "--json", "--server", store.url]));
  const ours = events.filter(({ subject }) => subject === done.package_id).map(({ type }) => type);
  expect(ours).toEqual([
    "v1.package.created",
    "v1.retention.default_applied",
    "v1.package.file_ingested",
    "v1.package.finalized",
  ]);
});

test("SIGKILL of the server in the middle: it goes on with the next one on the same data", async () => {
  const own = await makeStore(fresh("data"));
  await own.begin();
  const line = await layWire(own.port);
  const tree = makeTree(60 * MIB);
  const child = somebody(tree, line.url).start("--json");
  for (const after of [10 * MIB, 20 * MIB]) {
    await reach(child, after, line);
    await own.kill();
    line.release();
    await own.begin();
  }
  const run = await finished(child);
  expect(run).toMatchObject({ code: 0 });
  const { package_id } = JSON.parse(run.stdout);
  const back = fresh("back");
  await ok(["fetch", package_id, back, "--server", own.url]);
  expect(difference(tree, back)).toBe("");
  await own.kill();
  await line.stop();
  expect(await json(["doctor", "--grace", "0s"], { data: own.data })).toMatchObject({ missing: [], open_packages: 0 });
  expect(await json(["replay", "--check"], { data: own.data })).toMatchObject({ ok: true });
});

test("SIGKILL of the client at random moments: the same command goes on with the same package", async () => {
  const seed = chooseSeed(undefined);
  console.log(`push: seed ${seed}`);
  const random = createRandom(seed);
  const tree = makeTree(40 * MIB);
  const user = somebody(tree);
  const before = (await store.packages()).length;
  const sent = wire.sent;
  let kills = 0;
  for (; kills < 6; kills++) {
    const child = user.start();
    const reached = wire.hold(random.int(9 * MIB)).then(() => true);
    // It may end by itself: where much was on its way at a kill, little is left.
    if (!(await Promise.race([reached, child.exited.then(() => false)]))) break;
    await Bun.sleep(random.int(20));
    child.kill("SIGKILL");
    await child.exited;
    wire.release();
  }
  wire.release();
  expect(kills).toBeGreaterThan(2);
  if (kills === 6) expect((await user.push()).ingest).toMatchObject({ files: 22, symlinks: 1, refused: [] });
  const made = await packagesSince(before);
  expect(made).toMatchObject([{ state: "finalized", file_count: 22 }]);
  await expectSame(tree, made[0] as unknown as Ingested);
  // Each kill costs what was between two processes and the disk of the server.
  expect(wire.sent - sent).toBeLessThan(43 * MIB + kills * 10 * MIB);
});

/** Killed in the middle of its big file, with every other one there. */
async function killInTheMiddle(user: ReturnType<typeof pusher>): Promise<void> {
  const child = user.start("--concurrency", "1");
  await reach(child, 12 * MIB);
  child.kill("SIGKILL");
  await child.exited;
  wire.release();
}

test("what changed between two runs is sent as it is now, what is gone leaves, what is new comes", async () => {
  const tree = makeTree();
  const user = somebody(tree);
  await killInTheMiddle(user);
  put(tree, "big.bin", noise(20 * MIB, 4711));
  put(tree, "small/3", "changed");
  put(tree, "small/new", "new");
  unlinkSync(join(tree, "small/4"));
  unlinkSync(join(tree, "link"));
  symlinkSync("small/2", join(tree, "link"));
  unlinkSync(join(tree, "small/5"));
  put(tree, "small/5/deeper", "a directory now");
  renameSync(join(tree, "small/6"), join(tree, "small/6-moved"));
  const done = await user.push();
  expect(done.notes[0]).toStartWith("goes on with package");
  expect(done.ingest.files).toBe(22);
  await expectSame(tree, done);
});

test("a file whose time and size somebody set back is still seen to have changed", async () => {
  const tree = makeTree();
  const user = somebody(tree);
  await killInTheMiddle(user);
  const path = join(tree, "small/7");
  const { atime, mtime, size } = statSync(path);
  writeFileSync(path, "x".repeat(size));
  (await import("node:fs")).utimesSync(path, atime, mtime);
  await expectSame(tree, await user.push());
});

test("Ctrl-C says how to go on, and keeps the package", async () => {
  const tree = makeTree();
  const user = somebody(tree);
  const child = user.start();
  await reach(child, 8 * MIB);
  child.kill("SIGINT");
  wire.release();
  const run = await finished(child);
  expect(run).toMatchObject({ code: 130, stdout: "" });
  expect(run.stderr).toMatch(
    /^the package [0-9a-f-]{36} stays open, with what it has; run the same command again to go on, or with --restart to begin anew\nartifactstore: interrupted\n$/,
  );
  const done = await user.push();
  expect(run.stderr).toContain(done.package_id);
  await expectSame(tree, done);
});

test("--restart abandons the package and frees what was under way", async () => {
  const tree = makeTree();
  const user = somebody(tree);
  const before = (await store.packages()).length;
  await killInTheMiddle(user);
  const done = await user.push("--restart");
  expect(done.notes[0]).toEndWith("is abandoned");
  expect(await packagesSince(before)).toMatchObject([
    { package_id: done.package_id, state: "finalized" },
    { state: "abandoned" },
  ]);
  await expectSame(tree, done);
});

test("a package that was abandoned meanwhile, or is not there any more, is not gone on with", async () => {
  const tree = makeTree();
  const user = somebody(tree);
  await killInTheMiddle(user);
  const [{ package_id: first } = {}] = await store.packages();
  const body = JSON.stringify({ reason: "somebody tidies" });
  const headers = { "content-type": "application/json" };
  await fetch(`${store.url}/packages/${first}/abandon`, { method: "POST", headers, body });
  const done = await user.push();
  expect(done.notes).toEqual([expect.stringMatching(/^the package .* was abandoned: this push begins anew$/)]);
  await expectSame(tree, done);
});

test("a package that was finished without the push hearing of it is the result", async () => {
  const tree = makeTree();
  const user = somebody(tree);
  wire.loseAnswers(/^POST \/packages\/[^/]+\/finalize/);
  const child = user.start();
  const lost = wire.lost;
  await until(() => wire.lost > lost);
  child.kill("SIGKILL");
  await child.exited;
  const [{ package_id: first } = {}] = await store.packages();
  const done = await user.push();
  if (user.journals().length > 0) throw new Error("the journal is still there");
  expect(done.package_id).toBe(first as string);
  expect(done.ingest).toMatchObject({ files: 22, symlinks: 1, deduplicated_files: 0 });
});

test("a refusal ends the push with its code; mended, it goes on without sending the rest again", async () => {
  const own = await makeStore(fresh("data"), { ARTIFACTSTORE_LIMITS_MAX_OBJECT_BYTES: "10MiB" });
  await own.begin();
  const line = await layWire(own.port);
  const tree = makeTree();
  const user = somebody(tree, line.url);
  const refused = await user.run("--json");
  expect(refused).toMatchObject({ code: 4, stdout: "" });
  expect(refused.stderr).toContain('"code":"limit_exceeded"');
  rmSync(join(tree, "big.bin"));
  const before = line.sent;
  expect((await user.push()).ingest).toMatchObject({ files: 21 });
  expect(line.sent - before).toBeLessThan(3 * MIB + 100_000);
  await own.kill();
  await line.stop();
});

test("the journal is private, and one that is not understood is set aside", async () => {
  const user = somebody(makeTree());
  await killInTheMiddle(user);
  expect(statSync(user.folder).mode & 0o777).toBe(0o700);
  const [name = ""] = user.journals().filter((file) => !file.endsWith(".lock"));
  const path = join(user.folder, name);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, '{"journal":2,"later":"than this program"}\n');
  const done = await user.push();
  expect(done.notes).toEqual([expect.stringContaining("it lies in")]);
  expect(user.journals()).toEqual([`${name}.not-understood-1`]);
});

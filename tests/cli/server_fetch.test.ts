/** fetch through a server: connections that break, a network that lies, a store that is damaged. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cuttingProxy } from "../sdk/cutting_proxy.ts";
import { type Meddle, meddler, type Serving, serveStore, through } from "./server_support.ts";
import {
  cli,
  difference,
  finished,
  ingest,
  PATIENCE,
  RUNTIME_NAMES,
  type Run,
  start,
  storedObjects,
  temporary,
} from "./support.ts";
import { noise, put } from "./trees.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("server-fetch");
const tree = join(dir, "tree");
put(tree, "big.bin", noise(9_000_000));
put(tree, "small.txt", "a few words");
put(tree, "empty", "");
const data = join(dir, "data");
await ingest(tree, { data }, "--version", "1", "--sha512");
let server: Serving;
/** A fetch whose server went away: it tries for some twenty seconds, in which the other tests run. */
let deserted: { readonly url: string; readonly ended: Promise<Run> };
const away = join(dir, "away");
beforeAll(async () => {
  server = await serveStore({ data });
  mkdirSync(away);
  const own = await serveStore({ data });
  const proxy = await cuttingProxy(own.port, [1_500_000], "answers");
  const child = start(["fetch", "demo@1", join(away, "gone"), "--server", proxy.url]);
  while (proxy.cuts === 0) await Bun.sleep(5);
  await proxy.stop();
  await own.stop();
  deserted = { url: proxy.url, ended: finished(child) };
});
afterAll(() => server.stop());

/** Nothing that looks like a package, and nothing beside it. */
function expectNothing(target: string): void {
  expect(existsSync(target)).toBe(false);
  expect(readdirSync(dirname(target)).filter((name) => name.includes(".partial-"))).toEqual([]);
}

test.each(RUNTIME_NAMES)("on %s, a download goes on where its connection broke, again and again", async (runtime) => {
  const proxy = await cuttingProxy(server.port, [2_000_000, 1_000_000, 3_000_000], "answers");
  try {
    const target = join(dir, `cut-${runtime}`);
    const run = await through(proxy.url, ["fetch", "demo@1", target, "--json"], { runtime });
    expect(run).toMatchObject({ code: 0 });
    expect(difference(tree, target)).toBe("");
    expect(proxy.cuts).toBe(3);
  } finally {
    await proxy.stop();
  }
});

test("what comes after a break has to be the same content: If-Match is sent, and the range", async () => {
  const seen: (string | null)[][] = [];
  const watcher = meddler(server.url, (answer, request) => {
    if (!request.url.includes("/objects/")) return answer;
    seen.push(["range", "if-match"].map((name) => request.headers.get(name)));
    return answer;
  });
  const proxy = await cuttingProxy(Number(new URL(watcher).port), [2_000_000], "answers");
  try {
    expect(await through(proxy.url, ["fetch", "demo@1", join(dir, "watched"), "--concurrency", "1"])).toMatchObject({
      code: 0,
    });
    // How much of the two megabytes came through is the kernel's affair.
    const again = seen.filter(([range]) => range !== null);
    expect(again).toEqual([
      [expect.stringMatching(/^bytes=[1-9]\d*-$/), expect.stringMatching(/^"blake3:[0-9a-f]{64}"$/)],
    ]);
  } finally {
    await proxy.stop();
  }
});

describe("a network that lies is told, exit code 5, and nothing is left", () => {
  const objects = (change: (bytes: Uint8Array) => Uint8Array): Meddle => {
    return (answer, request) => (request.url.includes("/objects/") && answer.length > 0 ? change(answer) : answer);
  };
  const flip = (at: number) => (bytes: Uint8Array) => {
    const changed = bytes.slice();
    const place = Math.min(at, changed.length - 1);
    changed[place] = (changed[place] as number) ^ 1;
    return changed;
  };
  const LIES: Readonly<Record<string, Meddle>> = {
    "the first byte": objects(flip(0)),
    "the last byte": objects(flip(Number.POSITIVE_INFINITY)),
    "a byte more": objects((bytes) => new Uint8Array([...bytes, 0])),
    "a byte less": objects((bytes) => bytes.subarray(1)),
    nothing: objects(() => new Uint8Array()),
  };
  test.each(Object.entries(LIES))("%s", async (name, meddle) => {
    const target = join(dir, `lie-${name.replaceAll(" ", "-")}`);
    const run = await through(meddler(server.url, meddle), ["fetch", "demo@1", target]);
    expect(run).toMatchObject({ code: 5, stdout: "" });
    expect(run.stderr).toContain("the server, or something on the way to it, changed it");
    expectNothing(target);
  });

  test("a manifest whose digest is another one", async () => {
    const meddle: Meddle = (answer, request) => (request.url.endsWith("/manifest") ? flip(100)(answer) : answer);
    const run = await through(meddler(server.url, meddle), ["manifest", "demo@1"]);
    expect(run).toMatchObject({ code: 5, stdout: "" });
  });
});

test("Ctrl-C ends a download at once, with 130, and nothing is left", async () => {
  const target = join(dir, "interrupted");
  // It asks, and nobody answers.
  const mute = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: (request) =>
      request.url.includes("/objects/")
        ? new Promise<Response>(() => asked())
        : fetch(server.url + new URL(request.url).pathname + new URL(request.url).search),
  });
  let asked = () => {};
  const reached = new Promise<void>((resolve) => {
    asked = resolve;
  });
  try {
    const child = start(["fetch", "demo@1", target, "--server", mute.url.origin]);
    await reached;
    child.kill("SIGINT");
    expect(await finished(child)).toMatchObject({ code: 130, stdout: "" });
    expectNothing(target);
  } finally {
    await mute.stop(true);
  }
});

describe("a damaged store", () => {
  beforeAll(() => {
    for (const path of storedObjects(data)) {
      const bytes = readFileSync(path);
      if (bytes.length < 1_000_000) continue;
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
      chmodSync(path, 0o644);
      writeFileSync(path, bytes);
    }
  });

  test("fetch ends with exit code 5 as on the store itself", async () => {
    const target = join(dir, "damaged");
    const there = await through(server.url, ["fetch", "demo@1", target, "--json"]);
    expectNothing(target);
    const here = await cli(["fetch", "demo@1", target, "--json"], { data });
    const said = [there, here].map(({ code, stdout, stderr }) => [code, stdout, JSON.parse(stderr).error.code]);
    expect(said).toEqual(Array(2).fill([5, "", "object_corrupt"]));
  });

  test.each([[[]], [["--json"]]])("verify says the same: exit code 5 and the paths %p", async (more) => {
    const there = await through(server.url, ["verify", "demo@1", ...more]);
    expect(there).toEqual(await cli(["verify", "demo@1", ...more], { data }));
    expect(there.code).toBe(5);
    expect(there.stdout).toContain("big.bin");
  });
});

test("a server that goes away for good ends it with exit code 6, and nothing is left", async () => {
  const run = await deserted.ended;
  expect(run).toMatchObject({ code: 6, stdout: "" });
  expect(run.stderr).toContain(`No answer from ${deserted.url}`);
  expectNothing(join(away, "gone"));
});

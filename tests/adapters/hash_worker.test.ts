/** The thread that hashes: right on every runtime, gone when it is idle, and never wrong when it dies. */
import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHashWorker } from "../../adapters/hash-worker/mod.ts";
import { startHashThread } from "../../adapters/hash-worker/thread.ts";
import { RegistryError } from "../../core/base/errors.ts";
import type { HashOffload } from "../../core/spi/hash_offload.ts";
import { codeOf, hasher, pattern } from "../support/registry_fixture.ts";

const root = join(import.meta.dir, "../..");
const smoke = join(import.meta.dir, "hash_worker_smoke.ts");
const PROGRAM = new URL("../../adapters/hash-worker/worker.ts", import.meta.url);
const DYING = new URL("../support/hash_worker_dying.ts", import.meta.url);
const LIMIT = 60_000;

async function run(command: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([...command], { cwd: root, env: { ...process.env, ...env }, stdout: "pipe", stderr: "pipe" });
  const [out, problems] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect({ exit: await child.exited, problems }).toEqual({ exit: 0, problems: "" });
  return JSON.parse(out);
}

describe("digests are right for any chunks, many at once, some given up, and an open one keeps no process alive", () => {
  const all = { oneByOne: true, many: true };

  test("on Bun", async () => expect(await run([process.execPath, smoke])).toEqual(all), LIMIT);

  test("on Node", async () => expect(await run([join(root, "node_modules/node/bin/node"), smoke])).toEqual(all), LIMIT);

  test(
    "on Deno",
    async () => {
      expect(await run([join(root, "node_modules/.bin/deno"), "run", "-A", "--no-lock", smoke])).toEqual(all);
    },
    LIMIT,
  );

  test("in the single file, without PATH", async () => {
    const dir = await mkdtemp(join(tmpdir(), "artifact-store-worker-"));
    try {
      const file = join(dir, "smoke");
      const build = [process.execPath, join(root, "scripts/build.ts"), "--entry", smoke, "--outfile", file];
      expect(Bun.spawnSync(build, { cwd: root }).exitCode).toBe(0);
      expect(await run([file], { PATH: "" })).toEqual(all);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }, 300_000);
});

const bytes = pattern(900_000);
async function digestBy(worker: HashOffload, chunk = bytes): Promise<string | undefined> {
  const hash = worker.begin(["sha256"]);
  await hash?.update(chunk);
  return (await hash?.digests())?.[0]?.hex;
}
const RIGHT = Buffer.from(hasher.hash("sha256", bytes)).toString("hex");

describe("the thread", () => {
  test(
    "ends when no hash is open for a while, and not before",
    async () => {
      let failed: boolean | undefined;
      const { promise: over, resolve } = Promise.withResolvers<void>();
      const onEnd = (how: boolean) => {
        failed = how;
        resolve();
      };
      const thread = startHashThread(PROGRAM, 30, { onDigests() {}, onEnd });
      const open = thread.begin(["blake3"]);
      await open.update(bytes);
      expect(await digestBy(thread)).toBe(RIGHT);
      // As much time as it would need, ten times over.
      await Bun.sleep(300);
      expect(failed).toBeUndefined();
      open.drop();
      await over;
      expect(failed).toBe(false);
    },
    LIMIT,
  );

  test(
    "begins anew when something is to be hashed after that",
    async () => {
      const worker = createHashWorker({ idle: 1 });
      for (let i = 0; i < 5; i++) {
        expect(await digestBy(worker)).toBe(RIGHT);
        await Bun.sleep(20);
      }
      worker.close();
    },
    LIMIT,
  );

  test(
    "that is ended fails what is under way, and leaves the hashing to others",
    async () => {
      const worker = createHashWorker();
      const hash = worker.begin(["sha256"]);
      // More than it has room for, so that some of it waits.
      const codes = Array.from({ length: 5 }, () =>
        codeOf(worker.begin(["blake3"])?.update(pattern(6_000_000)) as Promise<void>),
      );
      worker.close();
      expect(await codeOf(hash?.digests() as Promise<unknown>)).toBe("internal");
      expect((await Promise.all(codes)).filter((code) => code !== undefined)).not.toEqual([]);
      expect(worker.begin(["sha256"])).toBeUndefined();
    },
    LIMIT,
  );

  test(
    "that dies fails every hash it had, and the next one gets a new thread",
    async () => {
      const worker = createHashWorker({ program: DYING });
      for (let i = 0; i < 4; i++) {
        const other = worker.begin(["blake3"]);
        expect(await digestBy(worker)).toBe(RIGHT);
        expect(await codeOf(digestBy(worker, pattern(77_777)))).toBe("internal");
        expect(await codeOf(other?.update(bytes) as Promise<unknown>)).toBe("internal");
        expect(await codeOf(other?.digests() as Promise<unknown>)).toBe("internal");
        other?.drop();
      }
      worker.close();
    },
    LIMIT,
  );

  test(
    "that never does anything but die is not tried again and again",
    async () => {
      for (const program of [DYING, new URL("./there_is_no_such_file.ts", import.meta.url)]) {
        const worker = createHashWorker({ program });
        const outcomes: (string | undefined)[] = [];
        for (let i = 0; i < 4; i++) outcomes.push(await codeOf(digestBy(worker, pattern(77_777))));
        expect(outcomes).toEqual(["internal", "internal", undefined, undefined]);
        expect(worker.begin(["sha256"])).toBeUndefined();
      }
    },
    LIMIT,
  );

  test("is told why it ends", async () => {
    const thread = startHashThread(PROGRAM, 1000, { onDigests() {}, onEnd() {} });
    const hash = thread.begin(["sha256"]);
    thread.end(new RegistryError("cancelled", "because"));
    expect(await codeOf(hash.digests())).toBe("cancelled");
  });
});

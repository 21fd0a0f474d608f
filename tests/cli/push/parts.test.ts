/** What a push is made of: what it remembers, who may push, what is left to do, how long it waits. */
import { describe, expect, test } from "bun:test";
import type { BigIntStats } from "node:fs";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Found } from "../../../cli/files/walk.ts";
import { createMeter } from "../../../cli/progress/meter.ts";
import { type Journal, journalName, openJournal, stateFolder } from "../../../cli/push/journal.ts";
import { takeLock } from "../../../cli/push/lock.ts";
import { createPatience } from "../../../cli/push/patience.ts";
import { reconcile } from "../../../cli/push/reconcile.ts";
import type { Server } from "../../../cli/remote/server.ts";
import type { PackageEntry } from "../../../core/mod.ts";
import { ApiError } from "../../../sdk/typescript/mod.ts";
import { temporary } from "../support.ts";

const dir = temporary("push-parts");
const who = { server: "http://127.0.0.1:8000", directory: "/some/where", options: [{ name: "demo" }] };
const sent = (path: string) => ({
  ...{ path, identity: "1:2:3:4", content_address: "blake3:aa", executable: false, deduplicated: true },
});

describe("the journal", () => {
  let count = 0;
  const fresh = () => join(dir, `journal-${++count}`);
  const open = (path: string, aside: (path: string) => void = () => {}): Journal => openJournal(path, who, aside);

  test("tells the next process everything up to a line that a kill cut short", () => {
    const path = fresh();
    const one = open(path);
    one.notePackage("p-1");
    one.noteSent(sent("a"));
    one.noteUpload({ path: "b", identity: "5:6:7:8", upload_id: "u-1" });
    one.noteUpload({ path: "c", identity: "5:6:7:8", upload_id: "u-2" });
    one.noteEnded("c");
    one.close();
    appendFileSync(path, '{"sent":{"path":"d","ident');
    for (let again = 0; again < 2; again++) {
      const next = open(path);
      expect(next).toMatchObject({ packageId: "p-1", begun: one.begun, idempotencyKey: one.idempotencyKey });
      expect([...next.sent.values()]).toEqual([sent("a")]);
      expect([...next.uploads.values()]).toEqual([{ path: "b", identity: "5:6:7:8", upload_id: "u-1" }]);
      next.close();
    }
    expect(readFileSync(path, "utf8")).not.toContain("ident\n");
  });

  test("begins anew under another key, and knows nothing then", () => {
    const one = open(fresh());
    const { idempotencyKey } = one;
    one.notePackage("p-1");
    one.noteSent(sent("a"));
    one.startOver();
    expect(one).toMatchObject({ packageId: undefined, sent: new Map() });
    expect(one.idempotencyKey).not.toBe(idempotencyKey);
    one.close();
  });

  test.each([
    ["", "nothing"],
    ["no JSON\n", "text"],
    ['{"journal":2}\n', "a later version"],
    ["null\n[]\n7\n", "other JSON"],
    [
      '{"journal":1,"server":"http://other","directory":"/some/where","begun":"","idempotency_key":""}\n',
      "another server",
    ],
  ])("that is not one of these is set aside, whole: %j (%s)", (content) => {
    const path = fresh();
    writeFileSync(path, content);
    const aside: string[] = [];
    open(path, (to) => aside.push(to)).close();
    expect(aside).toEqual([`${path}.not-understood-1`]);
    expect(readFileSync(`${path}.not-understood-1`, "utf8")).toBe(content);
  });

  test("passes over lines of shapes that it does not know", () => {
    const path = fresh();
    const one = open(path);
    one.notePackage("p-1");
    one.close();
    appendFileSync(
      path,
      `{"sent":{"path":1}}\n{"upload":null}\n{"later":1}\n[]\n${JSON.stringify({ sent: sent("z") })}\n`,
    );
    const next = open(path);
    expect([next.packageId, ...next.sent.keys()]).toEqual(["p-1", "z"]);
    next.close();
  });

  test("lies where the system keeps state, under a name that differs with whatever makes another push", () => {
    const HOME = join(dir, "home");
    expect(stateFolder({ HOME })).toBe(join(HOME, ".local/state/artifactstore/push"));
    expect(stateFolder({ HOME, XDG_STATE_HOME: "relative" })).toBe(join(HOME, ".local/state/artifactstore/push"));
    expect(stateFolder({ HOME, XDG_STATE_HOME: join(dir, "x") })).toBe(join(dir, "x/artifactstore/push"));
    writeFileSync(join(dir, "file"), "");
    expect(() => stateFolder({ XDG_STATE_HOME: join(dir, "file") })).toThrow("set XDG_STATE_HOME");
    const others = [{ server: "http://b" }, { directory: "/b" }, { options: [{ name: "b" }] }];
    expect(new Set([who, ...others.map((other) => ({ ...who, ...other }))].map(journalName)).size).toBe(4);
  });
});

describe("the lock", () => {
  const path = join(dir, "lock");
  const told = (holder: object) => writeFileSync(path, JSON.stringify({ since: "2026", host: hostname(), ...holder }));

  test("is refused while its process lives, and free once it is released", () => {
    const lock = takeLock(path, "it");
    expect(() => takeLock(path, "it")).toThrow(`it is being pushed already, by process ${process.pid} since 20`);
    lock.release();
    takeLock(path, "it").release();
  });

  test.each([
    ["of a process that is gone", { pid: 2 ** 22 + 1, started: "1" }],
    ["whose number another process has now", { pid: process.pid, started: "1" }],
    ["that says nothing", { pid: "?" }],
  ])("%s is taken over", (_what, holder) => {
    told(holder);
    takeLock(path, "it").release();
  });

  test("of another machine counts as held", () => {
    told({ pid: 1, started: "1", host: "elsewhere" });
    expect(() => takeLock(path, "it")).toThrow("by process 1 on elsewhere since 2026");
  });
});

describe("what is left", () => {
  const file = (path: string, more: object = {}) =>
    ({ kind: "file", path, absolute: `/${path}`, size: 1, executable: false, device: 0n, inode: 4n, ...more }) as Found;
  const entry = (path: string, more: object = {}) =>
    ({
      kind: "file",
      path,
      size: 1,
      executable: false,
      content_address: "blake3:aa",
      digests: {},
      ...more,
    }) as PackageEntry;
  const stat = { size: 1n, mtimeNs: 2n, ctimeNs: 3n, ino: 4n } as BigIntStats;
  const left = (
    found: Found[],
    entries: PackageEntry[],
    known: string[] = [],
    seen: BigIntStats | undefined = stat,
  ) => {
    const { remove, done, add } = reconcile(
      found,
      entries,
      new Map(known.map((path) => [path, sent(path)])),
      () => seen,
    );
    return { remove, done: done.map(({ path }) => path), add: add.map(({ path }) => path) };
  };

  test("a file is done if the journal, the file and the server say the same", () => {
    expect(left([file("a")], [entry("a")], ["a"])).toEqual({ remove: [], done: ["a"], add: [] });
    const add = { remove: [], done: [], add: ["a"] };
    expect(left([file("a")], [entry("a")])).toEqual(add);
    expect(left([file("a")], [], ["a"])).toEqual(add);
    expect(left([file("a")], [entry("a", { content_address: "blake3:bb" })], ["a"])).toEqual(add);
    expect(left([file("a", { executable: true })], [entry("a")], ["a"])).toEqual(add);
    expect(left([file("a")], [entry("a")], ["a"], { ...stat, ctimeNs: 9n } as BigIntStats)).toEqual(add);
    expect(reconcile([file("a")], [entry("a")], new Map([["a", sent("a")]]), () => undefined).add).toHaveLength(1);
  });

  test("what is gone, of another kind, or leads elsewhere is taken out first", () => {
    const link = (target: string) => ({ kind: "symlink", path: "l", target }) as const;
    expect(left([], [entry("a"), link("x")])).toEqual({ remove: ["a", "l"], done: [], add: [] });
    expect(left([link("x")], [link("x")])).toEqual({ remove: [], done: ["l"], add: [] });
    expect(left([link("x")], [link("y")])).toEqual({ remove: ["l"], done: [], add: ["l"] });
    expect(left([{ kind: "directory", path: "a" }], [entry("a")])).toEqual({ remove: ["a"], done: [], add: ["a"] });
  });
});

test("what an earlier run has sent counts as done, and not for the speed", () => {
  let now = 0;
  const meter = createMeter(() => now);
  meter.expect({ files: 10, bytes: 10_000 });
  meter.advance({ files: 8, bytes: 8000, earlier: true });
  now = 1000;
  meter.advance({ files: 1, bytes: 500 });
  expect(meter.read()).toMatchObject({ files: 9, bytes: 8500, bytes_per_second: 500, eta_seconds: 3, fraction: 0.85 });
});

describe("patience", () => {
  const server = { url: "http://there" } as Server;
  const broken = new TypeError("reset");

  /** Time passes by itself, a second with each look. */
  function waiting(limit: number, known = true) {
    let time = 0;
    const notes: string[] = [];
    const note = (message: string) => void notes.push(message);
    const patience = createPatience(server, { limit, known, note, now: () => (time += 1000) });
    return { notes, trial: patience.begin() };
  }
  async function untilItEnds(trial: ReturnType<typeof waiting>["trial"], error: unknown): Promise<[number, unknown]> {
    for (let tries = 0; ; tries++) {
      try {
        await trial.failed(error, AbortSignal.timeout(1));
      } catch (ended) {
        if ((ended as Error).name !== "TimeoutError") return [tries, ended];
      }
    }
  }

  test("ends after its time, and says first that it waits", async () => {
    const { notes, trial } = waiting(20_000);
    const [tries, ended] = await untilItEnds(trial, broken);
    expect(tries).toBeGreaterThan(3);
    expect(ended).toMatchObject({ code: "server_unavailable" });
    expect(notes[0]).toMatch(
      /^the server does not answer; trying again for \d+ more seconds \(No answer from http:\/\/there/,
    );
  });

  test("begins anew with whatever moves, and says that too", async () => {
    const { notes, trial } = waiting(20_000);
    for (let i = 0; i < 3; i++) await trial.failed(broken, AbortSignal.timeout(1)).catch(() => {});
    trial.moved();
    expect(notes.at(-1)).toBe("the server answers again");
    expect((await untilItEnds(trial, broken))[0]).toBeGreaterThan(3);
  });

  test("is short with a server that never answered, and none with a refusal", async () => {
    const known = await untilItEnds(waiting(3_600_000, false).trial, broken);
    expect(known[0]).toBeLessThan(16);
    const refusal = new ApiError({ code: "limit_exceeded", status: 413, title: "Too large" });
    expect(await untilItEnds(waiting(20_000).trial, refusal)).toMatchObject([0, { code: "limit_exceeded" }]);
  });
});

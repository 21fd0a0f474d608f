import { describe, expect, test } from "bun:test";
import { createBlocking, soon, whileFew, whileSyncing } from "../../adapters/storage-fs/blocking.ts";

/** A clock that is moved by hand. */
function clocked() {
  let time = 0;
  const pass = (ms: number) => {
    time += ms;
  };
  return { blocking: createBlocking(() => time), pass };
}

describe("createBlocking()", () => {
  test("quick calls may go on", () => {
    const { blocking, pass } = clocked();
    for (let call = 0; call < 3; call++) {
      expect(blocking.allowed()).toBe(true);
      blocking.run(() => pass(1));
    }
  });

  test("after a slow one nobody waits for a tenth of a second, also where it failed", () => {
    const { blocking, pass } = clocked();
    const slow = () => {
      pass(10);
      throw new Error("bad sector");
    };
    expect(() => blocking.run(slow)).toThrow("bad sector");
    expect(blocking.allowed()).toBe(false);
    pass(99);
    expect(blocking.allowed()).toBe(false);
    pass(1);
    expect(blocking.allowed()).toBe(true);
  });
});

test("the slower one was, the longer nobody waits", () => {
  const { blocking, pass } = clocked();
  blocking.run(() => pass(200));
  pass(1999);
  expect(blocking.allowed()).toBe(false);
  pass(1);
  expect(blocking.allowed()).toBe(true);
});

test("what the thread pool has no thread for is done here, unless that is slow", () => {
  let syncs = 0;
  const { blocking, pass } = clocked();
  const pouring = whileSyncing(blocking, () => syncs);
  expect(pouring.allowed()).toBe(false);
  syncs = 2;
  expect(pouring.allowed()).toBe(true);
  pouring.run(() => pass(10));
  expect(pouring.allowed()).toBe(false);
});

test("with many objects under way everything goes to the thread pool, however quick it is", async () => {
  let underWay = 0;
  const blocking = whileFew(
    createBlocking(() => 0),
    () => underWay,
  );
  const where = () =>
    soon(
      blocking,
      () => "here",
      async () => "in the pool",
    );
  expect(await where()).toBe("here");
  underWay = 1000;
  expect(await where()).toBe("in the pool");
  underWay = 1;
  expect(await where()).toBe("here");
  const failing = soon(
    blocking,
    () => {
      throw new Error("ENOENT");
    },
    async () => {},
  );
  await expect(failing).rejects.toThrow("ENOENT");
});

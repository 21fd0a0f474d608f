import { describe, expect, test } from "bun:test";
import { slowJson } from "../../../server/http/slow_json.ts";
import { json } from "../../../server/json.ts";

/** Work whose end the test decides. */
function pending() {
  return Promise.withResolvers<unknown>();
}

test("what is there soon is answered as any other JSON", async () => {
  const answer = await slowJson(Promise.resolve({ a: 1 }));
  expect([answer.status, ...answer.headers]).toEqual([200, ...json({ a: 1 }).headers]);
  expect(await answer.text()).toBe('{"a":1}\n');
});

test("what is refused soon is refused", async () => {
  await expect(slowJson(Promise.reject(new Error("no")))).rejects.toThrow("no");
});

describe("what takes long", () => {
  test("is spaces until it is there, and JSON as a whole", async () => {
    const work = pending();
    const answer = await slowJson(work.promise, 1);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    const next = async () => decoder.decode((await reader.read()).value);
    expect([await next(), await next(), await next()]).toEqual([" ", " ", " "]);
    work.resolve({ found: ["ü"] });
    let rest = "";
    for (let step = await reader.read(); !step.done; step = await reader.read()) rest += decoder.decode(step.value);
    expect(rest.trimStart()).toBe('{"found":["ü"]}\n');
    expect(JSON.parse(rest)).toEqual({ found: ["ü"] });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("content-length")).toBeNull();
  });

  test("and fails cuts the answer", async () => {
    const work = pending();
    const answer = await slowJson(work.promise, 1);
    work.reject(new Error("the disk is gone"));
    await expect(answer.text()).rejects.toThrow("the disk is gone");
  });

  test("and nobody waits for leaves no unhandled failure", async () => {
    const work = pending();
    const answer = await slowJson(work.promise, 1);
    await answer.body?.cancel();
    work.reject(new Error("cancelled"));
    await new Promise((resolve) => setTimeout(resolve));
  });
});

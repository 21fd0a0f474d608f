import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { turn } from "../../../core/base/turn.ts";

test("turn() lets timers and I/O through, however often it is called", async () => {
  let ready = 0;
  const count = () => void ready++;
  setTimeout(count, 1);
  readFile(import.meta.path).then(count);
  while (ready < 2) await turn();
  expect(ready).toBe(2);
});

test("turn() ends after what was ready, not before", async () => {
  const order: string[] = [];
  const waited = turn().then(() => order.push("turn"));
  queueMicrotask(() => order.push("microtask"));
  await waited;
  expect(order).toEqual(["microtask", "turn"]);
});

const module = resolve(import.meta.dirname, "../../../core/base/turn.ts");
const bin = resolve(import.meta.dirname, "../../../node_modules");
for (const [name, runtime, evaluate] of [
  ["Bun", `${bin}/.bin/bun`, ["-e"]],
  ["Deno", `${bin}/.bin/deno`, ["eval", "--quiet"]],
  ["Node", `${bin}/node/bin/node`, ["--input-type=module", "-e"]],
] as const) {
  test(`turn() keeps no process alive on ${name}`, () => {
    const program = `const { turn } = await import(${JSON.stringify(module)}); await turn(); await turn(); console.log("end");`;
    const run = spawnSync(runtime, [...evaluate, program], { encoding: "utf8", timeout: 60_000 });
    expect([run.stdout.trim(), run.status, run.signal]).toEqual(["end", 0, null]);
  });
}

/** Hashes what it is told to. Whatever goes wrong here ends the thread, so no wrong digest leaves it. */
import { parentPort } from "node:worker_threads";
import { toHex } from "../../core/base/bytes.ts";
import type { HashState } from "../../core/identity/hasher.ts";
import { loadHasher } from "../hasher.ts";
import type { Answer, Order } from "./protocol.ts";

const hasher = await loadHasher();
const memories = new Map<number, SharedArrayBuffer>();
const running = new Map<number, readonly HashState[]>();

function known<T>(map: ReadonlyMap<number, T>, id: number): T {
  const found = map.get(id);
  if (found === undefined) throw new Error(`Nothing is known under ${id}`);
  return found;
}

const answer = (one: Answer) => parentPort?.postMessage(one);

parentPort?.on("message", (order: Order) => {
  if ("update" in order) {
    const bytes = new Uint8Array(known(memories, order.memory), order.offset, order.length);
    for (const state of known(running, order.update)) state.update(bytes);
    answer(0);
  } else if ("begin" in order) {
    running.set(
      order.begin,
      order.algorithms.map((algorithm) => hasher.create(algorithm)),
    );
  } else if ("digests" in order) {
    const states = known(running, order.digests);
    running.delete(order.digests);
    answer(states.map((state) => toHex(state.digest())));
  } else if ("drop" in order) running.delete(order.drop);
  else if ("buffer" in order) memories.set(order.memory, order.buffer);
  else memories.delete(order.forget);
});

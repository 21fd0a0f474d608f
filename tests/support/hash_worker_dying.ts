/** The thread that hashes; a chunk of 77,777 bytes is its death. */
import { parentPort } from "node:worker_threads";
import type { Order } from "../../adapters/hash-worker/protocol.ts";
import "../../adapters/hash-worker/worker.ts";

parentPort?.on("message", (order: Order) => {
  if ("update" in order && order.length === 77_777) throw new Error("it was to die");
});

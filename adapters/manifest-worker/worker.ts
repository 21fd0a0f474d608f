/** One manifest to JSON, in a thread of its own; ends afterwards, so that its memory goes with it. */
import { parentPort } from "node:worker_threads";
import { isRegistryError, messageOf } from "../../core/base/errors.ts";
import { jcsPieces } from "../../core/manifest/mod.ts";
import type { Told } from "./told.ts";

const tell = (told: Told, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(told, transfer);

parentPort?.once("message", (cbor: ArrayBuffer) => {
  try {
    for (const { buffer: piece } of jcsPieces(new Uint8Array(cbor))) tell({ piece }, [piece]);
    tell({ done: true });
  } catch (error) {
    tell({
      code: isRegistryError(error) ? error.code : "internal",
      message: messageOf(error),
      data: isRegistryError(error) ? error.data : {},
    });
  }
});

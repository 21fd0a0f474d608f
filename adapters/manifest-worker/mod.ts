/** `ManifestProjector` by `node:worker_threads`, which Bun, Deno and Node all have. */
import { Worker } from "node:worker_threads";
import { messageOf, RegistryError } from "../../core/base/errors.ts";
import type { ManifestProjector } from "../../core/spi/manifest_projector.ts";
import type { Told } from "./told.ts";

/**
 * One at a time: each takes the memory of its manifest, and of the JSON until that is sent. A worker lives for one
 * manifest, because starting one takes some 50 ms and none gives memory back as long as it lives.
 */
export function createManifestProjector(): ManifestProjector {
  let last: Promise<unknown> = Promise.resolve();
  return (cbor, options) => {
    const mine = last.then(() => project(cbor, options));
    last = mine.catch(() => {});
    return mine;
  };
}

function project(...[cbor, { maxBytes, signal }]: Parameters<ManifestProjector>): ReturnType<ManifestProjector> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(cancelled());
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    const worker = new Worker(workerUrl());
    const end = (settle: () => void) => {
      signal?.removeEventListener("abort", abort);
      worker.removeAllListeners();
      worker.on("error", () => {});
      void worker.terminate();
      settle();
    };
    const abort = () => end(() => reject(cancelled()));
    signal?.addEventListener("abort", abort, { once: true });
    worker.on("message", (told: Told) => {
      if ("done" in told) return end(() => resolve(pieces));
      if ("code" in told) return end(() => reject(new RegistryError(told.code, told.message, told.data)));
      pieces.push(new Uint8Array(told.piece));
      length += told.piece.byteLength;
      if (length > maxBytes) end(() => reject(tooLong(maxBytes)));
    });
    worker.on("error", (error) => end(() => reject(failed(messageOf(error), error))));
    worker.on("exit", (code) => end(() => reject(failed(`it ended with ${code}`))));
    const own = cbor.byteLength === cbor.buffer.byteLength ? cbor : cbor.slice();
    worker.postMessage(own.buffer, [own.buffer as ArrayBuffer]);
  });
}

/**
 * Beside this file, and like it: TypeScript from a checkout, JavaScript from a package. In the single file, everything is
 * bundled into the main program but the worker, which scripts/build.ts puts in at its place below the root.
 */
function workerUrl(): URL {
  const [, ending] = /\/manifest-worker\/mod\.(ts|js)$/.exec(import.meta.url) ?? [];
  return new URL(ending === undefined ? "./adapters/manifest-worker/worker.js" : `./worker.${ending}`, import.meta.url);
}

const cancelled = () => new RegistryError("cancelled", "The call was cancelled while the manifest was read");

const failed = (why: string, cause?: unknown) =>
  new RegistryError("internal", `The worker that turns a manifest into JSON failed: ${why}`, {}, cause);

function tooLong(limit: number): RegistryError {
  return new RegistryError("limit_exceeded", `The manifest is longer than ${limit} bytes as JSON; read it as CBOR`, {
    limit,
  });
}

/**
 * `HashOffload` by `node:worker_threads`, which Bun, Deno and Node all have: one thread, begun when it is first needed and
 * ended when it has been idle. It keeps no process alive but while an answer is awaited.
 */
import { RegistryError } from "../../core/base/errors.ts";
import type { HashOffload } from "../../core/spi/hash_offload.ts";
import { type HashThread, startHashThread } from "./thread.ts";

/** Milliseconds. To begin a thread takes some 50 ms, which uploads do not wait for unless it has 8 MiB to do by then. */
const IDLE = 10_000;
/** Threads that end by themselves, one after the other, and not one digest by them. Then hashing stays where it is. */
const MOST_FAILURES = 2;

export interface HashWorker extends HashOffload {
  /** Ends the thread; what it still has to do fails. Hashing stays where it is from then on. */
  close(): void;
}

export interface HashWorkerOptions {
  /** Milliseconds without a running hash after which the thread ends. */
  readonly idle?: number;
  /** What the thread runs. */
  readonly program?: URL;
}

export function createHashWorker({ idle = IDLE, program = workerUrl() }: HashWorkerOptions = {}): HashWorker {
  let thread: HashThread | undefined;
  let failures = 0;
  let closed = false;
  return {
    begin(algorithms) {
      if (closed || failures >= MOST_FAILURES) return undefined;
      try {
        thread ??= startHashThread(program, idle, {
          onDigests() {
            failures = 0;
          },
          onEnd(failed) {
            thread = undefined;
            if (failed) failures++;
          },
        });
      } catch {
        // No thread to be had: a limit of the system, or a runtime that may start none.
        failures++;
        return undefined;
      }
      return thread.begin(algorithms);
    },
    close() {
      closed = true;
      thread?.end(new RegistryError("internal", "The thread that hashes was ended with the program"));
    },
  };
}

/** Beside this file, or at its place in the single file: see adapters/manifest-worker/mod.ts. */
function workerUrl(): URL {
  const [, ending] = /\/hash-worker\/mod\.(ts|js)$/.exec(import.meta.url) ?? [];
  return new URL(ending === undefined ? "./adapters/hash-worker/worker.js" : `./worker.${ending}`, import.meta.url);
}

/** One thread that hashes, seen from outside: orders go in, answers come back in their order. */
import { Worker } from "node:worker_threads";
import { messageOf, RegistryError } from "../../core/base/errors.ts";
import type { Algorithm } from "../../core/identity/algorithms.ts";
import { createDigest } from "../../core/identity/digest.ts";
import type { OffloadedHash } from "../../core/spi/hash_offload.ts";
import type { Answer, Order } from "./protocol.ts";

/** Room for copies of chunks that do not lie in shared memory. It is waited for, but only as long as the thread hashes. */
const SLOTS = 16;
/** What a socket brings at most on Bun. */
const SLOT_SIZE = 512 * 1024;

export interface HashThread {
  begin(algorithms: readonly Algorithm[]): OffloadedHash;
  end(why: RegistryError): void;
}

export interface HashThreadEvents {
  onDigests(): void;
  /** Once. `failed`: of itself. */
  onEnd(failed: boolean): void;
}

interface Job {
  done(answer: Answer): void;
  failed(error: RegistryError): void;
}

/** @param idle milliseconds without a running hash after which it ends */
export function startHashThread(program: URL, idle: number, { onDigests, onEnd }: HashThreadEvents): HashThread {
  const worker = new Worker(program);
  const jobs: Job[] = [];
  const slots = new SharedArrayBuffer(SLOTS * SLOT_SIZE);
  const free = Array.from({ length: SLOTS }, (_, i) => i * SLOT_SIZE);
  const waiting: { readonly take: (slot: number) => void; readonly failed: (error: RegistryError) => void }[] = [];
  let gone: RegistryError | undefined;
  let running = 0;
  let hashes = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const tell = (order: Order) => {
    if (gone === undefined) worker.postMessage(order);
  };
  const ask = (order: Order, job: Job) => {
    if (gone !== undefined) return job.failed(gone);
    if (jobs.push(job) === 1) worker.ref();
    worker.postMessage(order);
  };
  const end = (why: RegistryError, failed: boolean) => {
    if (gone !== undefined) return;
    gone = why;
    clearTimeout(timer);
    worker.removeAllListeners();
    worker.on("error", () => {});
    void worker.terminate();
    onEnd(failed);
    for (const { failed } of [...jobs.splice(0), ...waiting.splice(0)]) failed(why);
  };
  worker.on("message", (answer: Answer) => {
    const job = jobs.shift();
    if (jobs.length === 0) worker.unref();
    job?.done(answer);
  });
  worker.on("error", (error) => end(lost(messageOf(error), error), true));
  worker.on("exit", (code) => end(lost(`it ended with ${code}`), true));
  worker.unref();

  // Memory is sent once and has a number from then on; the other side keeps it until it is told that nobody here does.
  const numbers = new WeakMap<SharedArrayBuffer, number>();
  const unused = new FinalizationRegistry<number>((forget) => tell({ forget }));
  let memories = 0;
  function numberOf(buffer: SharedArrayBuffer): number {
    const known = numbers.get(buffer);
    if (known !== undefined) return known;
    const memory = memories++;
    numbers.set(buffer, memory);
    unused.register(buffer, memory);
    tell({ memory, buffer });
    return memory;
  }

  const release = (slot: number) => {
    const next = waiting.shift();
    if (next === undefined) free.push(slot);
    else next.take(slot);
  };

  const endIfIdle = () => {
    timer = setTimeout(() => (jobs.length > 0 ? endIfIdle() : end(lost("it was idle"), false)), idle);
    timer.unref?.();
  };

  function begin(algorithms: readonly Algorithm[]): OffloadedHash {
    clearTimeout(timer);
    running++;
    const id = hashes++;
    let over = false;
    tell({ begin: id, algorithms });

    const check = () => {
      if (gone !== undefined) throw gone;
      if (over) throw new RegistryError("internal", "This hash has ended; begin a new one");
    };
    const close = () => {
      over = true;
      if (--running === 0 && gone === undefined) endIfIdle();
    };
    return {
      async update(chunk) {
        check();
        const { buffer } = chunk;
        if (buffer instanceof SharedArrayBuffer) {
          const order = { update: id, memory: numberOf(buffer), offset: chunk.byteOffset, length: chunk.length };
          return await new Promise<void>((resolve, failed) => ask(order, { done: () => resolve(), failed }));
        }
        for (let at = 0; at < chunk.length; at += SLOT_SIZE) {
          const slot = free.pop() ?? (await new Promise<number>((take, failed) => waiting.push({ take, failed })));
          // It may have been dropped while it waited: the other side would know nothing of it.
          if (over) return release(slot);
          const piece = chunk.subarray(at, at + SLOT_SIZE);
          new Uint8Array(slots, slot, piece.length).set(piece);
          const order = { update: id, memory: numberOf(slots), offset: slot, length: piece.length };
          // Nobody waits for this one: whether it is gone shows at the next call.
          ask(order, { done: () => release(slot), failed: () => {} });
        }
      },
      async digests() {
        check();
        close();
        const answer = await new Promise<Answer>((done, failed) => ask({ digests: id }, { done, failed }));
        const digests = answer === 0 ? [] : answer.map((hex, i) => createDigest(algorithms[i] as Algorithm, hex));
        if (digests.length !== algorithms.length) throw lost("its answers are out of order");
        onDigests();
        return digests;
      },
      drop() {
        if (over) return;
        close();
        tell({ drop: id });
      },
    };
  }

  return { begin, end: (why) => end(why, false) };
}

const lost = (why: string, cause?: unknown) =>
  new RegistryError("internal", `The thread that hashes is gone (${why}): try again`, {}, cause);

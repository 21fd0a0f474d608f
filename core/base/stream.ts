/**
 * Byte streams. Core speaks `AsyncIterable<Uint8Array>`; doors speak Web `ReadableStream`. Both are pulled, so a slow
 * reader slows its source; leaving early releases the source in both directions.
 */
import { concatBytes } from "./bytes.ts";
import { RegistryError } from "./errors.ts";

export type ByteSource = AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/**
 * Any source as an iterable. Written by hand rather than as a generator, because `return()` of a generator waits for
 * the read that is under way, and a stalled upload must be cancelled while it is stalled.
 */
export function toIterable(source: ByteSource): AsyncIterable<Uint8Array> {
  if (!("getReader" in source)) return source;
  return {
    [Symbol.asyncIterator]() {
      const reader = source.getReader();
      return {
        async next() {
          const step = await reader.read();
          if (step.done) reader.releaseLock();
          return step as IteratorResult<Uint8Array, undefined>;
        },
        async return() {
          await reader.cancel();
          reader.releaseLock();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** A source as a Web stream. Nothing is read ahead: each read pulls one chunk. Empty chunks are passed over. */
export function toStream(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const step = await iterator.next();
          if (step.done) return controller.close();
          if (step.value.length > 0) return controller.enqueue(step.value);
        }
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Passes bytes through. @throws {RegistryError} `limit_exceeded` before it hands out a byte beyond `maxBytes`. */
export async function* limit(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new RegistryError("limit_exceeded", `More than ${maxBytes} bytes`, { limit: maxBytes });
    }
    yield chunk;
  }
}

/** All bytes in one array. @throws {RegistryError} `limit_exceeded` when there are more than `maxBytes`. */
export async function collect(source: ByteSource, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of limit(toIterable(source), maxBytes)) chunks.push(chunk);
  return concatBytes(chunks);
}

function cancelledBy(signal: AbortSignal): RegistryError {
  return new RegistryError("cancelled", "The operation was cancelled", {}, signal.reason);
}

/** @throws {RegistryError} `cancelled`, with the signal's reason as cause. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelledBy(signal);
}

/**
 * Passes bytes through until `signal` fires; then throws at once, also while the source is stalled, and lets go of it.
 * @throws {RegistryError} `cancelled`, with the signal's reason as cause.
 */
export async function* abortable(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (signal === undefined) return yield* source;
  const iterator = source[Symbol.asyncIterator]();
  // One promise per step: racing every step against one that lives as long as the stream would pile up reactions on it.
  let fail = (_error: RegistryError): void => {};
  const onAbort = () => fail(cancelledBy(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  let finished = false;
  try {
    for (;;) {
      throwIfCancelled(signal);
      const step = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        fail = reject;
        iterator.next().then(resolve, reject);
      });
      if (step.done) {
        finished = true;
        return;
      }
      yield step.value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    // Not awaited when aborted: a stalled generator answers only when its own wait ends.
    const released = finished ? undefined : iterator.return?.().catch(() => {});
    if (!signal.aborted) await released;
  }
}

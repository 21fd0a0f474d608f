/** Downloads that go on where they were. */
import { type Download, downloadFile, downloadObject } from "./download.ts";
import { ApiError } from "./errors.ts";
import type { Api } from "./generated/index.ts";
import { backOff, mayPass } from "./retry.ts";
import { STALL, watchdog } from "./watchdog.ts";

export interface ResumedOptions {
  /** Failures in a row, without a byte more, until the last of them is thrown (default 8). */
  readonly attempts?: number;
  /** Milliseconds without a byte or an answer until a connection counts as broken (default 120,000). */
  readonly stallTimeout?: number;
  readonly signal?: AbortSignal;
}

/** What is downloaded: an object by its content address (`blake3:<hex>`), or a file of a package. */
export type Wanted = { readonly contentAddress: string } | { readonly packageId: string; readonly path: string };

const ATTEMPTS = 8;

/**
 * The bytes, over as many connections as it takes. After a break it goes on behind the last byte, and only if the content
 * is still the same.
 * @throws {ApiError} a refusal; the reason of `signal`; after `attempts`, the last failure
 */
export async function* downloadResumable(
  api: Api,
  { attempts = ATTEMPTS, stallTimeout = STALL, signal, ...wanted }: ResumedOptions & Wanted,
): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  let size: number | undefined;
  let etag: string | undefined;
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    const watch = watchdog(stallTimeout, signal);
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    try {
      const options = {
        ...wanted,
        signal: watch.signal,
        ...(at > 0 && { range: { start: at } }),
        ...(etag !== undefined && { ifMatch: etag }),
      };
      const answer =
        "contentAddress" in options ? await downloadObject(api, options) : await downloadFile(api, options);
      reader = answer.body.getReader();
      checkRest(answer, at);
      size ??= answer.size;
      etag ??= answer.etag;
      for (;;) {
        watch.moved();
        const { done, value } = await reader.read();
        if (done) return;
        at += value.length;
        failures = 0;
        yield value;
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      // All is here; only the end was not said.
      if (size !== undefined && at === size) return;
      if (!mayPass(error) || ++failures >= attempts) throw error;
      await backOff(failures - 1, error, signal);
    } finally {
      watch.stop();
      // Also when the consumer leaves: a connection that nobody reads is not kept.
      await reader?.cancel().catch(() => {});
    }
  }
}

/** A range may be passed over (RFC 9110, section 14.2); what is here already would then come again. */
function checkRest({ length, size }: Download, at: number): void {
  if (at === 0 || (length !== undefined && size !== undefined && length === size - at)) return;
  throw new ApiError({
    code: "unexpected_answer",
    status: 200,
    title: "The server did not go on where it was asked to",
  });
}

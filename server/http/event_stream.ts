/**
 * Events as a stream (WHATWG HTML, "Server-sent events"). The socket asks, and then the log is read: what a slow reader
 * has not taken is in the log and nowhere else.
 */
import { type EventFollower, type FeedEvent, isRegistryError } from "../../core/mod.ts";
import { eventJson, joined } from "./event_forms.ts";

/** A comment after so much silence, ms: shorter than what any runtime or proxy takes for dead. */
const HEARTBEAT = 7_000;
/** What a reader gets at once. */
const CHUNK = { limit: 256, bytes: 64 * 1024 };
/** Tells a client to connect again after a second. */
const HELLO = "retry: 1000\n\n";

const encoder = new TextEncoder();

/** Ends when one of `signals` aborts or its reader goes; holds nothing before it is read for the first time. */
export function eventStream(
  follower: EventFollower,
  signals: readonly (AbortSignal | undefined)[],
): ReadableStream<Uint8Array> {
  let link: Link | undefined;
  let told = follower.position;
  const end = () => {
    link?.release();
    follower.close();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (link === undefined) {
          link = linked(signals);
          controller.enqueue(encoder.encode(HELLO));
          return;
        }
        const { signal } = link;
        try {
          const events = await follower.next({ ...CHUNK, wait: HEARTBEAT, signal });
          if (events.length > 0) {
            controller.enqueue(joined(events.flatMap(frame)));
            told = follower.position;
            return;
          }
          if (!signal.aborted) {
            // Behind a filter the position moves on in silence; told, it spares the next connection the same search.
            const id = follower.position > told ? `id: ${follower.position}\n` : "";
            told = follower.position;
            controller.enqueue(encoder.encode(`${id}:\n\n`));
            return;
          }
        } catch (error) {
          end();
          // The registry closes: the client comes again, and there is nothing to report.
          if (!isRegistryError(error) || error.code !== "cancelled") throw error;
        }
        end();
        controller.close();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

const DATA = encoder.encode("data: ");
const END = encoder.encode("\n\n");

function frame(event: FeedEvent): Uint8Array[] {
  return [encoder.encode(`id: ${event.sequence}\nevent: ${event.type}\n`), DATA, eventJson(event), END];
}

export interface Link {
  readonly signal: AbortSignal;
  /** Those that live longer forget about it. */
  release(): void;
}

/** A signal that aborts when one of these does. */
export function linked(signals: readonly (AbortSignal | undefined)[]): Link {
  const controller = new AbortController();
  const abort = () => controller.abort();
  for (const signal of signals) {
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
  }
  return {
    signal: controller.signal,
    release() {
      for (const signal of signals) signal?.removeEventListener("abort", abort);
      abort();
    },
  };
}

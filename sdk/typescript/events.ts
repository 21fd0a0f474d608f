import { ApiError } from "./errors.ts";
import type { Api, Event, ListEventsData } from "./generated/index.ts";
import { backOff, mayPass, sleep } from "./retry.ts";

type Query = NonNullable<ListEventsData["query"]>;

export interface FollowOptions {
  /** Only events after this one: `sequence` of the last that you have dealt with. 0 (default): from the beginning. */
  readonly since?: number;
  readonly types?: NonNullable<Query["type"]>;
  readonly subject?: string;
  /** Seconds that one request waits for an event, 0 to 60 (default 30). */
  readonly wait?: number;
  /** Failures in a row until the last of them is thrown. Default: none is too many. */
  readonly attempts?: number;
  readonly signal?: AbortSignal;
}

/** An empty page that did not wait comes from a server that stops; it is asked again after so long, ms. */
const EMPTY = 1000;

/**
 * Every event, in order and once, those to come included. Goes on after the last one whatever happens to connections
 * and servers; only a refusal ends it, and the caller. To go on in another process, keep `sequence` of what you did.
 *
 * By long-polls, which any proxy passes: a page tells where it ends also behind a filter, where a stream tells events.
 * @throws {ApiError} what asking again will not change; the reason of `signal` when it aborts
 */
export async function* followEvents(api: Api, options: FollowOptions = {}): AsyncGenerator<Event, never, void> {
  const { types, subject, wait = 30, attempts = Number.POSITIVE_INFINITY, signal } = options;
  let since = options.since ?? 0;
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    const asked = Date.now();
    try {
      const { data: page } = await api.listEvents({
        query: { since, wait, ...(types && { type: types }), ...(subject !== undefined && { subject }) },
        headers: { accept: "application/json" },
        ...(signal && { signal }),
      });
      if (typeof page === "string" || page instanceof Blob) throw otherForm();
      failures = 0;
      for (const event of page.events) {
        yield event;
        since = event.sequence;
      }
      since = page.last_sequence;
      if (page.events.length === 0 && page.pending === 0 && Date.now() - asked < EMPTY) await sleep(EMPTY, signal);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (!mayPass(error) || ++failures >= attempts) throw error;
      await backOff(failures - 1, error, signal);
    }
  }
}

/** A page of a proxy, most likely: not a broken connection, and no better next time. */
const otherForm = () =>
  new ApiError({
    code: "unexpected_answer",
    status: 200,
    title: "The server answered something that is no page of events",
  });

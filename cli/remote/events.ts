/**
 * The log behind a server. Events come as CBOR: hashes, contexts and payloads as the bytes that are stored, so that the
 * chain is recomputed here, by the library's own code, from what was sent.
 */
import {
  type Caller,
  type CborValue,
  decodeCbor,
  type ExpectedHead,
  type FeedEvent,
  fromHex,
  type LogVerdict,
  RegistryError,
  type StoredEvent,
  type TailOptions,
  type VerifyLogOptions,
  verifyChain,
} from "../../core/mod.ts";
import { sleep } from "../../sdk/typescript/retry.ts";
import type { Asking, Server } from "./server.ts";

const LIMIT = 1000;
/** Seconds that one request waits for an event. */
const WAIT = 30;
/** An empty page that did not wait comes from a server that stops; it is asked again after so long, ms. */
const EMPTY = 1000;
/** A page ends at 4 MiB of payloads; envelopes and the last event come on top. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;

type Query = Pick<TailOptions, "types" | "subject"> & { readonly since: number; readonly wait?: number };

interface Page {
  readonly events: readonly FeedEvent[];
  readonly last_sequence: number;
  readonly pending: number;
}

/** As the library's: ends quietly when it is told to, if it follows. Whatever happens to connections, it goes on. */
export async function* tailEvents(
  server: Server,
  caller: Caller,
  { since: first, follow = true, types, subject, signal = caller.signal }: TailOptions,
): AsyncGenerator<FeedEvent, void, void> {
  const who = signal === undefined ? caller : { ...caller, signal };
  let since = first;
  try {
    for (;;) {
      const asked = performance.now();
      const query = { since, types, subject, ...(follow && { wait: WAIT }) };
      const page = await readPage(server, who, query, follow ? { attempts: Number.POSITIVE_INFINITY } : {});
      for (const event of page.events) yield event;
      since = page.last_sequence;
      if (!follow && page.pending === 0) return;
      if (page.events.length === 0 && page.pending === 0 && performance.now() - asked < EMPTY) {
        await sleep(EMPTY, signal);
      }
    }
  } catch (error) {
    if (signal?.aborted) return;
    throw error;
  }
}

/** @throws {RegistryError} `access_denied` for who is not shown the whole log */
export async function head(server: Server, caller: Caller): Promise<ExpectedHead> {
  const { data } = await server.ask(caller, (asked) => server.api.getEventHead(asked));
  const { sequence, hash } = data;
  if (hash !== null) return { sequence, hash };
  throw new RegistryError(
    "access_denied",
    `${server.url} shows you the events of your tenant, not the log and its head`,
  );
}

export async function verifyEvents(
  server: Server,
  caller: Caller,
  options: VerifyLogOptions = {},
): Promise<LogVerdict> {
  const { sequence, hash } = await head(server, caller);
  return await verifyChain(
    {
      head: { sequence, hash: fromHex(hash) },
      async page(since) {
        // The log grows meanwhile; what came after the head was asked for is not looked at.
        for (let at = since; at < sequence; ) {
          const page = await readPage(server, caller, { since: at });
          const events = page.events.filter((event) => event.sequence <= sequence);
          if (events.length > 0) return events as readonly StoredEvent[];
          if (page.last_sequence <= at) break;
          at = page.last_sequence;
        }
        return [];
      },
    },
    server.hasher,
    options,
  );
}

async function readPage(server: Server, caller: Caller, query: Query, how: Asking = {}): Promise<Page> {
  const { types, subject, ...where } = query;
  const request = {
    query: { ...where, limit: LIMIT, ...(types && { type: [...types] }), ...(subject !== undefined && { subject }) },
    headers: { accept: "application/cbor" },
    parseAs: "arrayBuffer" as const,
  };
  const { data } = await server.ask(caller, (asked) => server.api.listEvents({ ...asked, ...request }), how);
  const page = pageOf(server, data);
  const events: FeedEvent[] = [];
  // One after the other: each of these payloads may be as large as a manifest.
  for (const event of page.events) events.push(await whole(server, caller, event));
  return { ...page, events };
}

/** The feed leaves out payloads above 64 KiB. */
async function whole(server: Server, caller: Caller, event: FeedEvent): Promise<FeedEvent> {
  const { payload, payload_size, sequence } = event;
  if (payload !== null || payload_size === null) return event;
  const request = { path: { sequence }, parseAs: "arrayBuffer" as const };
  const { data } = await server.ask(caller, (asked) => server.api.getEventPayload({ ...asked, ...request }), {
    long: true,
  });
  return { ...event, payload: new Uint8Array(data as unknown as ArrayBuffer) };
}

/** @throws {RegistryError} `server_unavailable` for what is no page */
function pageOf({ url }: Server, data: unknown): Page {
  try {
    const bytes = new Uint8Array(data as ArrayBuffer);
    const page = decodeCbor(bytes, { maxBytes: MAX_PAGE_BYTES }) as Readonly<Record<string, CborValue>>;
    const { events, last_sequence, pending } = page;
    if (Array.isArray(events) && typeof last_sequence === "number" && typeof pending === "number") {
      return { events: events.map(eventOf), last_sequence, pending };
    }
  } catch {
    // Said below.
  }
  throw new RegistryError("server_unavailable", `${url} answered something that is no page of events`, { server: url });
}

/** In the order of the library, which is that of what commands print; members that are not known here are left out. */
function eventOf(given: CborValue): FeedEvent {
  const event = given as unknown as FeedEvent;
  return {
    sequence: event.sequence,
    event_id: event.event_id,
    type: event.type,
    tenant: event.tenant,
    tenant_sequence: event.tenant_sequence,
    subject: event.subject,
    actor: event.actor,
    occurred_at: event.occurred_at,
    commitment: event.commitment,
    prev_hash: event.prev_hash,
    hash: event.hash,
    salt: event.salt,
    context: event.context,
    payload: event.payload,
    payload_size: event.payload_size,
  };
}

/** An event on the wire. JSON and CBOR say the same; CBOR carries context and payload as the bytes that are stored. */
import {
  type CborValue,
  decodeTrustedCbor,
  type EventPage,
  encodeCbor,
  type FeedEvent,
  jcsText,
  toHex,
  turn,
} from "../../core/mod.ts";

const encoder = new TextEncoder();

/** Where the payload is that the feed leaves out. */
function payloadUrl({ sequence, payload, payload_size }: FeedEvent): string | null {
  return payload === null && payload_size !== null ? `/events/${sequence}/payload` : null;
}

/** Made once for all who get the same event: at the live edge, that may be a thousand. */
const made = new WeakMap<FeedEvent, Uint8Array<ArrayBuffer>>();

/** The event as canonical JSON (RFC 8785), UTF-8, in one line. */
export function eventJson(event: FeedEvent): Uint8Array<ArrayBuffer> {
  let bytes = made.get(event);
  if (bytes === undefined) {
    const hex = (value: Uint8Array | null) => (value === null ? null : toHex(value));
    const decoded = (value: Uint8Array | null) => (value === null ? null : decodeTrustedCbor(value));
    bytes = encoder.encode(
      jcsText({
        ...event,
        commitment: toHex(event.commitment),
        prev_hash: hex(event.prev_hash),
        hash: hex(event.hash),
        salt: hex(event.salt),
        context: decoded(event.context),
        payload: decoded(event.payload),
        payload_url: payloadUrl(event),
      }),
    );
    made.set(event, bytes);
  }
  return bytes;
}

/** JSON written without letting others run. */
const SLICE = 256 * 1024;

/** The page as canonical JSON. */
export async function pageJson({
  events,
  last_sequence,
  pending,
}: EventPage<FeedEvent>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let slice = 0;
  for (const event of events) {
    const json = eventJson(event);
    parts.push(encoder.encode(parts.length === 0 ? '{"events":[' : ","), json);
    slice += json.length;
    if (slice < SLICE) continue;
    slice = 0;
    await turn();
  }
  const open = events.length === 0 ? '{"events":[' : "";
  parts.push(encoder.encode(`${open}],"last_sequence":${last_sequence},"pending":${pending}}`));
  return joined(parts);
}

/** The page as canonical CBOR. */
export function pageCbor({ events, last_sequence, pending }: EventPage<FeedEvent>): Uint8Array<ArrayBuffer> {
  return encodeCbor({
    events: events.map((event): CborValue => ({ ...event, payload_url: payloadUrl(event) })),
    last_sequence,
    pending,
  });
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

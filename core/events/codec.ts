/** Event payloads to bytes and back. Payloads are canonical CBOR (RFC 8949, section 4.2) and travel as stored. */
import { type CborValue, decodeCbor, decodeTrustedCbor, encodeCbor } from "../base/cbor.ts";
import { RegistryError } from "../base/errors.ts";
import type { CallContext } from "../spi/authenticator.ts";
import { EVENT_TYPES, type EventType, type NewEvent, type ReducibleEvent, type StoredEvent } from "./types.ts";

/** Of a payload that is decoded strictly. Manifests may be larger, where the settings say so, and are not read here. */
const MAX_PAYLOAD_BYTES = 256 * 1024 * 1024;

export function encodePayload(event: NewEvent): Uint8Array {
  return event.payload_bytes ?? encodeCbor(event.payload as unknown as CborValue);
}

/** @throws {RegistryError} `non_canonical` */
export function decodePayload(bytes: Uint8Array): CborValue {
  return decodeCbor(bytes, { maxBytes: MAX_PAYLOAD_BYTES });
}

/** The context map of an event; only what is known is in it. */
export function encodeContext(context: CallContext | undefined): Uint8Array {
  const known: Record<string, string> = {};
  for (const [key, value] of Object.entries(context ?? {})) if (typeof value === "string") known[key] = value;
  return encodeCbor(known);
}

/**
 * @throws {RegistryError} `unknown_event` for a type (or version) that this program does not know: going on would
 * build views that silently lack a fact.
 */
export function assertKnownType(type: string, sequence: number): asserts type is EventType {
  if (EVENT_TYPES.has(type)) return;
  throw new RegistryError(
    "unknown_event",
    `Event ${sequence} has the type ${JSON.stringify(type)}, which this version does not know; use the version that wrote it, or a newer one`,
    { sequence, type },
  );
}

/**
 * The event for a reducer, or `undefined` when its payload has been erased. The caller has checked its place in the
 * chain, which proves that the payload is what `encodePayload` wrote.
 */
export function toReducible(event: StoredEvent): ReducibleEvent | undefined {
  assertKnownType(event.type, event.sequence);
  if (event.payload === null) return undefined;
  return {
    sequence: event.sequence,
    type: event.type,
    tenant: event.tenant,
    subject: event.subject,
    actor: event.actor,
    occurred_at: event.occurred_at,
    payload: decodeTrustedCbor(event.payload),
    payload_bytes: event.payload,
  } as unknown as ReducibleEvent;
}

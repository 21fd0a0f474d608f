/**
 * The hash chain (DESIGN, section 4).
 *
 *   commitment = blake3(canonical CBOR of [salt, context, payload])      three byte strings: the stored bytes
 *   hash       = blake3(canonical CBOR of [sequence, event_id, type, tenant, subject, actor, occurred_at,
 *                                          commitment, prev_hash])
 *
 * The envelope hashes a commitment instead of the payload, so that a payload can be erased and the chain still
 * verifies; the salt keeps an erased payload from being guessed back.
 */
import { encodeCbor } from "../base/cbor.ts";
import type { Hasher } from "../identity/hasher.ts";
import type { EventEnvelope } from "./types.ts";

export const GENESIS_HASH: Uint8Array = new Uint8Array(32);
export const SALT_LENGTH = 16;

export function commitmentOf(
  hasher: Hasher,
  salt: Uint8Array,
  context: Uint8Array,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return hasher.hash("blake3", encodeCbor([salt, context, payload]));
}

export function hashOf(hasher: Hasher, e: Omit<EventEnvelope, "hash" | "tenant_sequence">): Uint8Array<ArrayBuffer> {
  return hasher.hash(
    "blake3",
    encodeCbor([
      e.sequence,
      e.event_id,
      e.type,
      e.tenant,
      e.subject,
      e.actor,
      e.occurred_at,
      e.commitment,
      e.prev_hash,
    ]),
  );
}

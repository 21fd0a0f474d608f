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
import { writeHead } from "../base/cbor_write.ts";
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
  if (payload.length < LARGE) return hasher.hash("blake3", encodeCbor([salt, context, payload]));
  // The same bytes without a copy of them: the payload may be a manifest of 256 MiB.
  const state = hasher.create("blake3");
  state.update(encodeCbor([salt, context, EMPTY]).subarray(0, -1));
  const head = new Uint8Array(9);
  state.update(head.subarray(0, writeHead(0x40, payload.length, head, 0)));
  state.update(payload);
  return state.digest();
}

const LARGE = 64 * 1024;
const EMPTY = new Uint8Array(0);

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

import { type Kysely, sql } from "kysely";
import { RegistryError } from "../base/errors.ts";
import { selectPrepared } from "./statements.ts";
import type { Tables } from "./tables.ts";

/** The bytes of an event's payload; `undefined` once they are erased. */
export async function payloadOf(db: Kysely<Tables>, sequence: number): Promise<Uint8Array | undefined> {
  const build = () => db.selectFrom("event_payloads").select("payload").where("sequence", "=", 0).compile();
  const [row] = await selectPrepared<{ readonly payload: Uint8Array | null }>(db, "payload", build, [sequence]);
  return row?.payload ?? undefined;
}

/** Read from the database at once. SQLite goes through the whole of it for each part, so there must not be many. Bytes. */
const PART = 64 * 1024 * 1024;

/** One that may be large, found and not yet read. */
interface FoundPayload {
  readonly sequence: number;
  /** Bytes. */
  readonly length: number;
  /** Where one part is all of it. */
  readonly bytes: Uint8Array | null;
  readonly partBytes: number;
}

/** @throws {RegistryError} `chain_broken` where it is not there, or erased */
export async function findPayload(db: Kysely<Tables>, sequence: number, partBytes = PART): Promise<FoundPayload> {
  const build = () =>
    db
      .selectFrom("event_payloads")
      .select([
        sql<number | null>`length(payload)`.as("length"),
        sql<Uint8Array | null>`case when length(payload) <= ${0} then payload end`.as("bytes"),
      ])
      .where("sequence", "=", 0)
      .compile();
  type Row = Pick<FoundPayload, "bytes"> & { readonly length: number | null };
  const [found] = await selectPrepared<Row>(db, "payload found", build, [partBytes, sequence]);
  if (found === undefined || found.length === null) throw lost(sequence);
  return { sequence, length: Number(found.length), bytes: found.bytes, partBytes };
}

/**
 * Part by part: the databases give one in a fifth of a second, and nobody can interrupt them.
 * @throws {RegistryError} `chain_broken` where it is erased meanwhile: whoever reads is cut off
 */
export async function* payloadParts(
  db: Kysely<Tables>,
  { sequence, length, bytes, partBytes }: FoundPayload,
): AsyncGenerator<Uint8Array, void, void> {
  if (bytes !== null) yield bytes;
  for (let at = bytes?.length ?? 0; at < length; at += partBytes) {
    const found = await db
      .selectFrom("event_payloads")
      .select(sql<Uint8Array | null>`substr(payload, ${sql.lit(at + 1)}, ${sql.lit(partBytes)})`.as("part"))
      .where("sequence", "=", sequence)
      .executeTakeFirst();
    if (found === undefined || found.part === null) throw lost(sequence);
    yield found.part;
  }
}

/** @throws {RegistryError} `chain_broken` */
export async function wholePayload(db: Kysely<Tables>, payload: FoundPayload): Promise<Uint8Array> {
  if (payload.bytes !== null) return payload.bytes;
  const whole = new Uint8Array(payload.length);
  let at = 0;
  for await (const part of payloadParts(db, payload)) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function lost(sequence: number): RegistryError {
  const message = `The log lacks event ${sequence}; run \`artifactstore events verify\``;
  return new RegistryError("chain_broken", message, { sequence });
}

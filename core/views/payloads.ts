import type { Kysely } from "kysely";
import { selectPrepared } from "./statements.ts";
import type { Tables } from "./tables.ts";

/** The bytes of an event's payload; `undefined` once they are erased. */
export async function payloadOf(db: Kysely<Tables>, sequence: number): Promise<Uint8Array | undefined> {
  const build = () => db.selectFrom("event_payloads").select("payload").where("sequence", "=", 0).compile();
  const [row] = await selectPrepared<{ readonly payload: Uint8Array | null }>(db, "payload", build, [sequence]);
  return row?.payload ?? undefined;
}

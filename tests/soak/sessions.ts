/** Uploads that are not ended, as the database has them. */
import { openPlace, type Place } from "./worker.ts";

/** Open, but for those in `except`. */
export async function openUploads(place: Place, except: readonly string[] = []): Promise<string[]> {
  const { registry, database } = await openPlace(place);
  const rows = await database.read
    .selectFrom("upload_sessions")
    .select("upload_id")
    .where("state", "!=", "completed")
    .where("upload_id", "not in", ["", ...except])
    .execute();
  await registry.close();
  return rows.map((row) => row.upload_id);
}

/** As if a day had passed: whoever began them never heard of it, and they would count as open and hold bytes. */
export async function expireUploads(place: Place, except: readonly string[] = []): Promise<void> {
  const { registry, database } = await openPlace(place);
  await database.write((trx) =>
    trx
      .updateTable("upload_sessions")
      .set({ expires_at: "2000-01-01T00:00:00.000Z" })
      .where("state", "!=", "completed")
      .where("upload_id", "not in", ["", ...except])
      .execute(),
  );
  await registry.close();
}

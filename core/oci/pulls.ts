/**
 * When manifests were last pulled, for whoever decides what may go. Operational, and cheap: a pull is noted in memory, to
 * the hour, and written with all others of a minute; a crash loses that minute.
 */
import { type Clock, toTimestamp } from "../base/clock.ts";
import type { Database } from "../spi/database.ts";
import { deleteOfRepository } from "../views/statements.ts";
import type { Tables } from "../views/tables.ts";

const HOUR = 60 * 60 * 1000;
/** Between two writes, ms. */
const INTERVAL = 60 * 1000;
/** Notes that wait at most; then they are written at once. */
const MAX_NOTES = 20_000;
/** Rows of one statement. */
const BATCH = 500;

export interface Pulls {
  /** Costs two look-ups where it was noted in this hour already. */
  note(repositoryId: string, digest: string): void;
  /** Of anything in a repository; what other processes have not written yet is missing. RFC 3339, or `null`. */
  lastOf(repositoryId: string): Promise<string | null>;
  /** Pulls are noted since then. RFC 3339. */
  since(): Promise<string>;
  /** Drops what is known of a repository that is gone. */
  forget(repositoryId: string): Promise<void>;
  /** Writes what is noted. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface Note {
  readonly repository_id: string;
  readonly digest: string;
  readonly pulled_at: string;
}

export function createPulls(deps: { readonly database: Database<Tables>; readonly clock: Clock }): Pulls {
  const { database, clock } = deps;
  /** Of this hour: by repository, the digests that were pulled. */
  let seen = new Map<string, Set<string>>();
  let hour = Number.NaN;
  let notes: Note[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  let writing: Promise<void> = Promise.resolve();

  function schedule(): void {
    if (!closed) timer ??= setTimeout(() => void flush(), INTERVAL);
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const batch = notes;
    notes = [];
    if (batch.length > 0) writing = writing.then(() => write(batch));
    await writing;
  }

  async function write(batch: readonly Note[]): Promise<void> {
    try {
      await database.write(
        async (trx) => {
          // Once each, the latest; and in one order everywhere, so that two processes do not wait for each other's rows.
          const last = new Map(batch.map((row) => [`${row.repository_id} ${row.digest}`, row]));
          const values = [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
          for (let at = 0; at < values.length; at += BATCH) {
            await trx
              .insertInto("oci_pulls")
              .values(values.slice(at, at + BATCH))
              .onConflict((oc) =>
                oc
                  .columns(["repository_id", "digest"])
                  .doUpdateSet((eb) => ({ pulled_at: eb.ref("excluded.pulled_at") }))
                  .whereRef("oci_pulls.pulled_at", "<", "excluded.pulled_at"),
              )
              .execute();
          }
        },
        { relaxed: true },
      );
    } catch {
      // A busy or full database: they go with the next ones, unless there are too many by then.
      if (notes.length + batch.length <= MAX_NOTES) notes = [...batch, ...notes];
      else seen = new Map();
      schedule();
    }
  }

  return {
    note(repositoryId, digest) {
      const now = Math.floor(clock.now() / HOUR);
      if (now !== hour) {
        hour = now;
        seen = new Map();
      }
      let digests = seen.get(repositoryId);
      if (digests === undefined) {
        digests = new Set();
        seen.set(repositoryId, digests);
      }
      if (digests.has(digest)) return;
      digests.add(digest);
      notes.push({ repository_id: repositoryId, digest, pulled_at: toTimestamp(now * HOUR) });
      if (notes.length < MAX_NOTES) return schedule();
      // So that memory stays bounded, by this much again; what was noted is noted again.
      seen = new Map();
      void flush();
    },
    async lastOf(repositoryId) {
      const row = await database.read
        .selectFrom("oci_pulls")
        .select((eb) => eb.fn.max("pulled_at").as("last"))
        .where("repository_id", "=", repositoryId)
        .executeTakeFirst();
      const times = notes.filter((note) => note.repository_id === repositoryId).map(({ pulled_at }) => pulled_at);
      return [...times, ...(row?.last ? [row.last] : [])].sort().at(-1) ?? null;
    },
    async since() {
      const row = await database.read.selectFrom("oci_pull_tracking").select("since").executeTakeFirstOrThrow();
      return row.since;
    },
    async forget(repositoryId) {
      notes = notes.filter((note) => note.repository_id !== repositoryId);
      seen.delete(repositoryId);
      await writing;
      await database.write((trx) => deleteOfRepository(trx, "oci_pulls", ["repository_id", "digest"], repositoryId));
    },
    flush,
    async close() {
      closed = true;
      await flush();
    },
  };
}

/**
 * When manifests were last pulled, for whoever decides what may go. Operational, and cheap: a pull is noted in memory, to
 * the hour, and written with all others of a minute; a crash loses that minute.
 */
import type { Kysely } from "kysely";
import { type Clock, toTimestamp } from "../base/clock.ts";
import type { Database } from "../spi/database.ts";
import { deleteOfRepository, deleteRows, selectByKeys } from "../views/statements.ts";
import type { Tables } from "../views/tables.ts";

const HOUR = 60 * 60 * 1000;
/** Between two writes, ms. */
const INTERVAL = 60 * 1000;
/** Rows of one statement. */
const BATCH = 500;
const KEYS = ["repository_id", "digest"] as const;
const LIMITS = {
  /** Notes that wait at most; then they are written at once, and while a write is slow no more are taken. */
  waiting: 20_000,
  /** Manifests that are known to be noted in this hour; then it begins anew. */
  seen: 50_000,
} as const;

export interface Pulls {
  /** Costs two look-ups where it was noted in this hour already. */
  note(repositoryId: string, digest: string): void;
  /** Of any manifest that a repository has; what other processes have not written yet is missing. RFC 3339, or `null`. */
  lastOf(repositoryId: string): Promise<string | null>;
  /** Pulls are noted since then. RFC 3339. */
  since(): Promise<string>;
  /** Drops what is known of a repository, or of one manifest, that is gone. */
  forget(repositoryId: string, digest?: string): Promise<void>;
  /** Writes what is noted. */
  flush(): Promise<void>;
  /** Writes what is noted; nothing keeps the process alive then. */
  close(): Promise<void>;
}

interface Note {
  readonly repository_id: string;
  readonly digest: string;
  readonly pulled_at: string;
}

export function createPulls(
  { database, clock }: { readonly database: Database<Tables>; readonly clock: Clock },
  limits: { readonly waiting: number; readonly seen: number } = LIMITS,
): Pulls {
  /** Of this hour: by repository, the digests that were pulled. */
  let seen = new Map<string, Set<string>>();
  let seenCount = 0;
  let hour = Number.NaN;
  let notes: Note[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  /** The last write that was asked for. It takes its notes when it begins, so that not more than one has to wait. */
  let writing: Promise<void> = Promise.resolve();
  let waits = false;

  function forgetSeen(): void {
    seen = new Map();
    seenCount = 0;
  }

  function schedule(): void {
    if (!closed) timer ??= setTimeout(() => void flush(), INTERVAL);
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (notes.length > 0 && !waits) {
      waits = true;
      writing = writing.then(async () => {
        waits = false;
        const batch = notes;
        notes = [];
        if (batch.length > 0) await write(batch);
      });
    }
    await writing;
  }

  async function write(batch: readonly Note[]): Promise<void> {
    try {
      // Once each, the latest; and in one order everywhere, so that two processes do not wait for each other's rows.
      const last = new Map(batch.map((row) => [`${row.repository_id} ${row.digest}`, row]));
      const values = [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
      await database.write(
        async (trx) => {
          for (let at = 0; at < values.length; at += BATCH) await store(trx, values.slice(at, at + BATCH));
        },
        { relaxed: true },
      );
    } catch {
      // A busy or full database: they go with the next ones, unless there are too many by then.
      if (notes.length + batch.length <= limits.waiting) notes = [...batch, ...notes];
      else forgetSeen();
      schedule();
    }
  }

  return {
    note(repositoryId, digest) {
      const now = Math.floor(clock.now() / HOUR);
      if (now !== hour) {
        hour = now;
        forgetSeen();
      }
      if (seen.get(repositoryId)?.has(digest)) return;
      // The database is slow. Not seen either: the next pull of it may find room.
      if (notes.length >= limits.waiting) return;
      if (seenCount >= limits.seen) forgetSeen();
      const digests = seen.get(repositoryId) ?? new Set();
      seen.set(repositoryId, digests.add(digest));
      seenCount++;
      notes.push({ repository_id: repositoryId, digest, pulled_at: toTimestamp(now * HOUR) });
      if (notes.length < limits.waiting) schedule();
      else void flush();
    },
    async lastOf(repositoryId) {
      const row = await database.read
        .selectFrom("oci_pulls as p")
        .select("p.pulled_at")
        .where("p.repository_id", "=", repositoryId)
        // Noted while the manifest went, it may have outlived it.
        .where((eb) =>
          eb.exists(
            eb
              .selectFrom("oci_manifests as m")
              .select("m.digest")
              .whereRef("m.repository_id", "=", "p.repository_id")
              .whereRef("m.digest", "=", "p.digest"),
          ),
        )
        .orderBy("p.pulled_at", "desc")
        .limit(1)
        .executeTakeFirst();
      const times = notes.filter((note) => note.repository_id === repositoryId).map(({ pulled_at }) => pulled_at);
      return [...times, ...(row === undefined ? [] : [row.pulled_at])].sort().at(-1) ?? null;
    },
    async since() {
      const row = await database.read.selectFrom("oci_pull_tracking").select("since").executeTakeFirstOrThrow();
      return row.since;
    },
    async forget(repositoryId, digest) {
      const gone = (note: Note) => note.repository_id === repositoryId && (digest ?? note.digest) === note.digest;
      notes = notes.filter((note) => !gone(note));
      const digests = seen.get(repositoryId);
      if (digest === undefined) {
        seen.delete(repositoryId);
        seenCount -= digests?.size ?? 0;
      } else if (digests?.delete(digest)) seenCount--;
      await writing;
      await database.write(
        async (trx) => {
          if (digest === undefined) await deleteOfRepository(trx, "oci_pulls", KEYS, repositoryId);
          else await deleteRows(trx, "oci_pulls", KEYS, [[repositoryId, digest]]);
        },
        { relaxed: true },
      );
    },
    flush,
    async close() {
      closed = true;
      await flush();
    },
  };
}

/** Those of manifests that are there: one may have gone since, with its row. */
async function store(trx: Kysely<Tables>, notes: readonly Note[]): Promise<void> {
  const keys = notes.map(({ repository_id, digest }) => [repository_id, digest]);
  const found = await selectByKeys(trx, "oci_manifests", KEYS, KEYS, keys);
  const living = new Set(found.map((row) => `${row.repository_id} ${row.digest}`));
  const values = notes.filter((row) => living.has(`${row.repository_id} ${row.digest}`));
  if (values.length === 0) return;
  await trx
    .insertInto("oci_pulls")
    .values(values)
    .onConflict((oc) =>
      oc
        .columns(KEYS)
        .doUpdateSet((eb) => ({ pulled_at: eb.ref("excluded.pulled_at") }))
        .whereRef("oci_pulls.pulled_at", "<", "excluded.pulled_at"),
    )
    .execute();
}

/**
 * The writes of one handle, one after the other. Those that have queued up behind one that runs join its transaction,
 * each under a savepoint of its own: a sync costs more than they do, and holds the event loop.
 */
import { type Kysely, sql, type Transaction } from "kysely";

/** `relaxed` and `durable`: as in the SPI. `alone`: shares its transaction with nobody. */
export type WriteKind = "durable" | "relaxed" | "alone";

export type Work<Tables, T> = (trx: Transaction<Tables>) => Promise<T>;

/** Works in one transaction at most, and how long it stays open to more, ms: who came first waits for the last. */
const MOST = 64;
const OPEN = 5;

interface Job<Tables> {
  readonly work: Work<Tables, unknown>;
  readonly kind: WriteKind;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** @param prepare called before each transaction: whether its commit is to be synced */
export function createWrites<Tables>(
  database: Kysely<Tables>,
  prepare: (synced: boolean) => void,
): <T>(work: Work<Tables, T>, kind: WriteKind) => Promise<T> {
  const queue: Job<Tables>[] = [];
  let running = false;

  async function drain(): Promise<void> {
    running = true;
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await transact(job);
    running = false;
  }

  /** Never rejects. */
  async function transact(first: Job<Tables>): Promise<void> {
    const done: (readonly [job: Job<Tables>, value: unknown])[] = [];
    try {
      prepare(first.kind !== "relaxed");
      await database.transaction().execute(async (trx) => {
        const began = performance.now();
        // If it fails, so does the transaction, in which there is nothing else yet.
        done.push([first, await first.work(trx)]);
        while (done.length < MOST && performance.now() - began < OPEN) {
          const next = takeNext(first);
          if (next === undefined) break;
          await join(trx, next, done);
        }
      });
    } catch (error) {
      if (done.length === 0) first.reject(error);
      for (const [job] of done) job.reject(error);
      return;
    }
    for (const [job, value] of done) job.resolve(value);
  }

  function takeNext(first: Job<Tables>): Job<Tables> | undefined {
    const [next] = queue;
    if (next === undefined || first.kind === "alone" || next.kind === "alone") return undefined;
    return first.kind === "relaxed" && next.kind !== "relaxed" ? undefined : queue.shift();
  }

  return (work, kind) =>
    new Promise((resolve, reject) => {
      queue.push({ work, kind, resolve: resolve as (value: unknown) => void, reject });
      if (!running) void drain();
    });
}

/** Its failure is its own, unless SQLite has rolled everything back (a full disk). */
async function join<Tables>(
  trx: Transaction<Tables>,
  job: Job<Tables>,
  done: (readonly [job: Job<Tables>, value: unknown])[],
): Promise<void> {
  await sql`savepoint joined`.execute(trx);
  let value: unknown;
  try {
    value = await job.work(trx);
  } catch (error) {
    job.reject(error);
    await sql`rollback to joined`.execute(trx).catch(() => {
      throw error;
    });
    await sql`release joined`.execute(trx);
    return;
  }
  await sql`release joined`.execute(trx);
  done.push([job, value]);
}

/**
 * The rows of uploads that resume: the truth about them, for any number of processes. Each request takes the next
 * `epoch`; whatever it records later is refused once a newer request has taken one. `writer_epoch` names the request
 * that may have bytes under way to the backend: it is cleared once they cannot come any more, so whoever finds it set
 * knows that somebody may write late.
 */
import type { Clock } from "../base/clock.ts";
import { toTimestamp } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import type { Algorithm } from "../identity/algorithms.ts";
import { lockHead } from "../ledger/mod.ts";
import type { Database } from "../spi/database.ts";
import type { UploadCheckpoint } from "../spi/storage.ts";
import type { Tables, UploadSessionsTable } from "../views/tables.ts";

const HOUR = 60 * 60 * 1000;
/** Without a request for so long it ends, ms; also how long its answer is kept. */
const IDLE = 24 * HOUR;
/** It ends so long after its beginning whatever happens, ms. */
const LIFE = 7 * 24 * HOUR;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An upload belongs to the principal who began it; everybody else finds nothing. */
export interface UploadOwner {
  readonly tenant: string;
  readonly owner: string;
  /** Where it is begun: uploads of each door are counted apart, and found only through it. */
  readonly door: "packages" | "oci";
  /** What it is for, where the door has several things: it is found only there. */
  readonly scope?: string;
}

/** What the column `target` holds. */
export interface Noted {
  readonly algorithms: readonly Algorithm[];
  readonly target: unknown;
  readonly scope?: string;
}

export const noted = (row: Pick<SessionRow, "target">): Noted => JSON.parse(row.target) as Noted;

export interface SessionDeps {
  readonly database: Database<Tables>;
  readonly clock: Clock;
}

export type SessionRow = Readonly<UploadSessionsTable>;

export function notFound(id: string): RegistryError {
  const message = "There is no such upload (any more); begin a new one";
  return new RegistryError("upload_not_found", message, { upload_id: id.slice(0, 64) });
}

export function superseded(id: string): RegistryError {
  const message = "A newer request took this upload over, or ended it; ask for its offset";
  return new RegistryError("upload_superseded", message, { upload_id: id });
}

/** @throws {RegistryError} `too_many_uploads` */
export async function insertSession(
  deps: SessionDeps,
  maxOpen: number,
  session: Pick<
    SessionRow,
    "upload_id" | "tenant" | "owner" | "door" | "backend_id" | "upload_length" | "max_size" | "target"
  >,
): Promise<SessionRow> {
  const now = deps.clock.now();
  const row: SessionRow = {
    ...session,
    state: "open",
    epoch: 0,
    writer_epoch: null,
    upload_offset: 0,
    backend_state: null,
    answer: null,
    created_at: toTimestamp(now),
    expires_at: toTimestamp(now + IDLE),
  };
  await deps.database.write(async (trx) => {
    // So that two who begin at the same time are counted one after the other, on PostgreSQL too.
    await lockHead(trx, deps.database.kind);
    const { count } = await trx
      .selectFrom("upload_sessions")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("tenant", "=", session.tenant)
      .where("owner", "=", session.owner)
      .where("door", "=", session.door)
      .where("state", "!=", "completed")
      .where("expires_at", ">", row.created_at)
      .executeTakeFirstOrThrow();
    if (Number(count) >= maxOpen) {
      throw new RegistryError(
        "too_many_uploads",
        `${maxOpen} uploads of yours are open; complete or cancel some before you begin another`,
        { limit: maxOpen },
      );
    }
    await trx.insertInto("upload_sessions").values(row).execute();
  });
  return row;
}

/** Without taking an epoch. @throws {RegistryError} `upload_not_found` */
export async function findSession(deps: SessionDeps, who: UploadOwner, id: string): Promise<SessionRow> {
  const row = UUID.test(id) ? await mine(deps.database.read, deps, who, id) : undefined;
  if (row === undefined) throw notFound(id);
  return row;
}

/** Takes the next epoch. @throws {RegistryError} `upload_not_found` */
export async function takeSession(deps: SessionDeps, who: UploadOwner, id: string): Promise<SessionRow> {
  return await deps.database.write(async (trx) => {
    // The update first: it locks the row.
    await trx
      .updateTable("upload_sessions")
      .set((eb) => ({ epoch: eb("epoch", "+", 1) }))
      .where("upload_id", "=", id)
      .execute();
    const row = await mine(trx, deps, who, id);
    if (row === undefined) throw notFound(id);
    if (row.state === "completed") return row;
    const expires_at = expiry(deps, row);
    await trx.updateTable("upload_sessions").set({ expires_at }).where("upload_id", "=", id).execute();
    return { ...row, expires_at };
  });
}

async function mine(
  db: Database<Tables>["read"],
  { clock }: SessionDeps,
  who: UploadOwner,
  id: string,
): Promise<SessionRow | undefined> {
  const row = await db
    .selectFrom("upload_sessions")
    .selectAll()
    .where("upload_id", "=", id)
    .where("tenant", "=", who.tenant)
    .where("owner", "=", who.owner)
    .where("door", "=", who.door)
    .where("expires_at", ">", toTimestamp(clock.now()))
    .executeTakeFirst();
  return row === undefined || noted(row).scope !== who.scope ? undefined : normal(row);
}

/** PostgreSQL's big integers come as they like. */
function normal(row: UploadSessionsTable): SessionRow {
  return {
    ...row,
    epoch: Number(row.epoch),
    writer_epoch: row.writer_epoch === null ? null : Number(row.writer_epoch),
    upload_offset: Number(row.upload_offset),
    upload_length: row.upload_length === null ? null : Number(row.upload_length),
    max_size: Number(row.max_size),
  };
}

function expiry({ clock }: SessionDeps, row: Pick<SessionRow, "created_at">): string {
  return toTimestamp(Math.min(clock.now() + IDLE, Date.parse(row.created_at) + LIFE));
}

type Change = Partial<
  Pick<
    UploadSessionsTable,
    "state" | "writer_epoch" | "upload_offset" | "backend_state" | "upload_length" | "answer" | "expires_at"
  >
>;

/** @throws {RegistryError} `upload_superseded` unless `row.epoch` is still the newest */
async function change(deps: SessionDeps, row: SessionRow, set: Change): Promise<SessionRow> {
  const { numUpdatedRows } = await deps.database.write((trx) =>
    trx
      .updateTable("upload_sessions")
      .set(set)
      .where("upload_id", "=", row.upload_id)
      .where("epoch", "=", row.epoch)
      .executeTakeFirstOrThrow(),
  );
  if (Number(numUpdatedRows) !== 1) throw superseded(row.upload_id);
  return { ...row, ...set };
}

/** From now on bytes of this request may be under way. Fixes the length, if this request brought it. */
export function beginWriting(deps: SessionDeps, row: SessionRow, length: number | null): Promise<SessionRow> {
  return change(deps, row, { writer_epoch: row.epoch, upload_length: length });
}

/** None can come any more: the handle is closed. Also for a request that is outdated by now. */
export async function endWriting(deps: SessionDeps, row: SessionRow): Promise<void> {
  await deps.database.write((trx) =>
    trx
      .updateTable("upload_sessions")
      .set({ writer_epoch: null })
      .where("upload_id", "=", row.upload_id)
      .where("writer_epoch", "=", row.epoch)
      .execute(),
  );
}

export function recordCheckpoint(deps: SessionDeps, row: SessionRow, at: UploadCheckpoint): Promise<SessionRow> {
  return change(deps, row, {
    upload_offset: at.offset,
    backend_state: at.state,
    expires_at: expiry(deps, row),
  });
}

/** All bytes are here: none is taken any more, whatever happens. */
export function beginCompleting(deps: SessionDeps, row: SessionRow): Promise<SessionRow> {
  return change(deps, row, { state: "completing", upload_length: row.upload_offset });
}

export function recordAnswer(deps: SessionDeps, row: SessionRow, answer: string): Promise<SessionRow> {
  return change(deps, row, { state: "completed", answer, expires_at: toTimestamp(deps.clock.now() + IDLE) });
}

/** @throws {RegistryError} `upload_superseded` */
export async function deleteSession(deps: SessionDeps, row: SessionRow): Promise<void> {
  const { numDeletedRows } = await deps.database.write((trx) =>
    trx
      .deleteFrom("upload_sessions")
      .where("upload_id", "=", row.upload_id)
      .where("epoch", "=", row.epoch)
      .executeTakeFirstOrThrow(),
  );
  if (Number(numDeletedRows) !== 1) throw superseded(row.upload_id);
}

/** Takes expired rows out, `limit` at most, and gives those that this call has taken. */
export async function takeExpired(deps: SessionDeps, limit: number): Promise<readonly SessionRow[]> {
  const now = toTimestamp(deps.clock.now());
  const found = await deps.database.read
    .selectFrom("upload_sessions")
    .selectAll()
    .where("expires_at", "<=", now)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  const taken: SessionRow[] = [];
  for (const row of found) {
    const { numDeletedRows } = await deps.database.write((trx) =>
      trx
        .deleteFrom("upload_sessions")
        .where("upload_id", "=", row.upload_id)
        .where("expires_at", "<=", now)
        .executeTakeFirstOrThrow(),
    );
    if (Number(numDeletedRows) === 1) taken.push(normal(row));
  }
  return taken;
}

/** Which of these uploads may still need their bytes. */
export async function liveUploads(db: Database<Tables>["read"], ids: readonly string[]): Promise<ReadonlySet<string>> {
  const live = new Set<string>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom("upload_sessions")
      .select("upload_id")
      .where("upload_id", "in", ids.slice(at, at + 500))
      .where("state", "!=", "completed")
      .execute();
    for (const row of rows) live.add(row.upload_id);
  }
  return live;
}

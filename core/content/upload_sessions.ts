/**
 * The rows of uploads that resume: the truth about them, for any number of processes. Each request takes the next
 * `epoch`; whatever it records later is refused once a newer request has taken one. `writer_epoch` names the request
 * that may have bytes under way to the backend: it is cleared once they cannot come any more, so whoever finds it set
 * knows that somebody may write late.
 */
import { sql } from "kysely";
import type { Clock } from "../base/clock.ts";
import { toTimestamp } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import type { Algorithm } from "../identity/algorithms.ts";
import { lockHead } from "../ledger/mod.ts";
import type { Database, WriteOptions } from "../spi/database.ts";
import type { UploadCheckpoint } from "../spi/storage.ts";
import { insertRows, selectPrepared } from "../views/statements.ts";
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

const COLUMNS = [
  "upload_id",
  "tenant",
  "owner",
  "door",
  "backend_id",
  "state",
  "epoch",
  "writer_epoch",
  "upload_offset",
  "backend_state",
  "upload_length",
  "max_size",
  "target",
  "answer",
  "created_at",
  "expires_at",
] as const satisfies readonly (keyof UploadSessionsTable)[];

/**
 * With how much care a change is committed. An offset or an answer that somebody may have been told is kept whatever
 * happens (durable). What nobody was told yet may go in a power cut (relaxed): an upload without bytes, since its client
 * begins another; and who writes, since then nobody does any more.
 */
const RELAXED = { relaxed: true } as const;

/** `stale`: there are expired ones to be cleared away. @throws {RegistryError} `too_many_uploads` */
export async function insertSession(
  deps: SessionDeps,
  maxOpen: number,
  session: Pick<
    SessionRow,
    "upload_id" | "tenant" | "owner" | "door" | "backend_id" | "upload_length" | "max_size" | "target"
  >,
): Promise<{ readonly row: SessionRow; readonly stale: boolean }> {
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
  const { kind } = deps.database;
  const stale = await deps.database.write(async (trx) => {
    // So that two who begin at the same time are counted one after the other; SQLite has one writer anyway.
    if (kind === "postgres") await lockHead(trx, kind);
    const found = await countOpen(trx, row);
    if (found.open >= maxOpen) {
      throw new RegistryError(
        "too_many_uploads",
        `${maxOpen} uploads of yours are open; complete or cancel some before you begin another`,
        { limit: maxOpen },
      );
    }
    await insertRows(trx, "upload_sessions", COLUMNS, [row]);
    return found.stale;
  }, RELAXED);
  return { row, stale };
}

/**
 * How many of the owner's are open, and whether any at all has expired. The first from an index that has open ones only:
 * a day's completed ones are kept for their answers.
 */
async function countOpen(
  db: Sessions,
  { tenant, owner, door, created_at: now }: SessionRow,
): Promise<{ readonly open: number; readonly stale: boolean }> {
  const build = () =>
    db
      .selectNoFrom((eb) => [
        eb
          .selectFrom("upload_sessions")
          .select((open) => open.fn.countAll<number>().as("count"))
          .where("tenant", "=", "")
          .where("owner", "=", "")
          .where("door", "=", "oci")
          .where("expires_at", ">", "")
          // As the index has it.
          .where(sql<boolean>`state <> 'completed'`)
          .as("open"),
        eb.exists(eb.selectFrom("upload_sessions").select("upload_id").where("expires_at", "<=", "")).as("stale"),
      ])
      .compile();
  const [row] = await selectPrepared<{ open: number; stale: boolean | number }>(db, "open uploads", build, [
    tenant,
    owner,
    door,
    now,
    now,
  ]);
  return { open: Number(row?.open), stale: Number(row?.stale) === 1 };
}

/** Without taking an epoch. @throws {RegistryError} `upload_not_found` */
export async function findSession(deps: SessionDeps, who: UploadOwner, id: string): Promise<SessionRow> {
  const row = UUID.test(id) ? await mine(deps.database.read, deps, who, id) : undefined;
  if (row === undefined) throw notFound(id);
  return row;
}

/** What a request makes of a row, besides taking it over. */
export type Change = Partial<
  Pick<SessionRow, "state" | "writer_epoch" | "upload_offset" | "backend_state" | "upload_length" | "answer">
>;

export interface Taken {
  /** As it was found. */
  readonly before: SessionRow;
  /** As it is now, with the epoch of this request; a completed one is left as it is. */
  readonly row: SessionRow;
}

/** Takes the next epoch. `plan` may be called again. @throws {RegistryError} `upload_not_found` */
export async function takeSession(
  deps: SessionDeps,
  who: UploadOwner,
  id: string,
  plan: (found: SessionRow, epoch: number) => Change = () => ({}),
): Promise<Taken> {
  return await deps.database.write(async (trx) => {
    const before = await mine(trx, deps, who, id, "locked");
    if (before === undefined) throw notFound(id);
    if (before.state === "completed") return { before, row: before };
    const epoch = before.epoch + 1;
    const row = { ...before, epoch, expires_at: expiry(deps, before), ...plan(before, epoch) };
    await update(trx, row, before.epoch);
    return { before, row };
  }, RELAXED);
}

type Sessions = Database<Tables>["read"];

async function mine(
  db: Sessions,
  { clock, database }: SessionDeps,
  who: UploadOwner,
  id: string,
  how: "locked" | "as it is" = "as it is",
): Promise<SessionRow | undefined> {
  const lock = how === "locked" && database.kind === "postgres";
  const build = () => {
    const query = db
      .selectFrom("upload_sessions")
      .select(COLUMNS)
      .where("upload_id", "=", "")
      .where("tenant", "=", "")
      .where("owner", "=", "")
      .where("door", "=", "oci")
      .where("expires_at", ">", "");
    return (lock ? query.forUpdate() : query).compile();
  };
  const parameters = [id, who.tenant, who.owner, who.door, toTimestamp(clock.now())];
  const [row] = await selectPrepared<UploadSessionsTable>(db, `upload session ${lock}`, build, parameters);
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

/** @returns false when somebody has taken it since `epoch`, or ended it */
async function update(db: Sessions, row: SessionRow, epoch: number): Promise<boolean> {
  const build = () =>
    db
      .updateTable("upload_sessions")
      .set({
        state: "open",
        epoch: 0,
        writer_epoch: 0,
        upload_offset: 0,
        backend_state: "",
        upload_length: 0,
        answer: "",
        expires_at: "",
      })
      .where("upload_id", "=", "")
      .where("epoch", "=", 0)
      .returning("upload_id")
      .compile();
  const updated = await selectPrepared(db, "change upload session", build, [
    row.state,
    row.epoch,
    row.writer_epoch,
    row.upload_offset,
    row.backend_state,
    row.upload_length,
    row.answer,
    row.expires_at,
    row.upload_id,
    epoch,
  ]);
  return updated.length === 1;
}

/** @throws {RegistryError} `upload_superseded` unless `before.epoch` is still the newest */
async function change(
  deps: SessionDeps,
  before: SessionRow,
  set: Change & Partial<Pick<SessionRow, "epoch" | "expires_at">>,
  options: WriteOptions = {},
): Promise<SessionRow> {
  const row = { ...before, ...set };
  if (await deps.database.write((trx) => update(trx, row, before.epoch), options)) return row;
  throw superseded(row.upload_id);
}

/** No bytes of this request can come any more: the handle is closed. Also for a request that is outdated by now. */
export async function endWriting(deps: SessionDeps, row: SessionRow): Promise<void> {
  await deps.database.write(
    (trx) =>
      trx
        .updateTable("upload_sessions")
        .set({ writer_epoch: null })
        .where("upload_id", "=", row.upload_id)
        .where("writer_epoch", "=", row.epoch)
        .execute(),
    RELAXED,
  );
}

/** `and`: what else is known by then. */
export function recordCheckpoint(
  deps: SessionDeps,
  row: SessionRow,
  at: UploadCheckpoint,
  and: Change = {},
): Promise<SessionRow> {
  return change(deps, row, {
    upload_offset: at.offset,
    backend_state: at.state,
    expires_at: expiry(deps, row),
    ...and,
  });
}

/** `relaxed`: where a client who never heard of it, and whose power was cut, does as well without. */
export function recordAnswer(
  deps: SessionDeps,
  row: SessionRow,
  answer: string,
  options: WriteOptions = {},
): Promise<SessionRow> {
  return change(deps, row, answeredBy(deps, row, answer), options);
}

/** The same in a transaction that does more. `undefined` unless `row.epoch` is still the newest. */
export async function noteAnswer(
  trx: Sessions,
  deps: SessionDeps,
  row: SessionRow,
  answer: string,
): Promise<SessionRow | undefined> {
  const answered: SessionRow = { ...row, ...answeredBy(deps, row, answer) };
  return (await update(trx, answered, row.epoch)) ? answered : undefined;
}

function answeredBy({ clock }: SessionDeps, { epoch }: SessionRow, answer: string) {
  const expires_at = toTimestamp(clock.now() + IDLE);
  // An epoch of its own: whoever took this one finds out that it has ended.
  return { state: "completed", epoch: epoch + 1, answer, expires_at } as const;
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
  const { read } = deps.database;
  const now = toTimestamp(deps.clock.now());
  const build = () =>
    read
      .selectFrom("upload_sessions")
      .select("upload_id")
      .where("expires_at", "<=", "")
      .orderBy("expires_at")
      .limit(1)
      .compile();
  const found = await selectPrepared<{ upload_id: string }>(read, "expired uploads", build, [now, limit]);
  const ids = found.map(({ upload_id }) => upload_id);
  const taken: SessionRow[] = [];
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await deps.database.write((trx) =>
      trx
        .deleteFrom("upload_sessions")
        .where("upload_id", "in", ids.slice(at, at + 500))
        .where("expires_at", "<=", now)
        .returning(COLUMNS)
        .execute(),
    );
    for (const row of rows) taken.push(normal(row));
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

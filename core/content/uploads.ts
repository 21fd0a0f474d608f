/**
 * The engine of uploads that resume (draft-ietf-httpbis-resumable-upload), for every door.
 *
 * - A newer request on an upload ends the older one: in this process by its signal, after which it is waited for; in
 *   another one by the epoch, without which nothing is recorded (upload_sessions.ts).
 * - An offset that was told is durable, and never decreases.
 * - What becomes of the bytes is the use case's: it gets them as `ingest` and answers; the answer is kept and told again.
 *
 * Order: row, then bytes; freed the other way round, row first. So bytes that no row knows are leftovers, at any age.
 */
import type { Transaction } from "kysely";
import type { Clock, Ids } from "../base/clock.ts";
import { type ErrorCode, isRegistryError, RegistryError } from "../base/errors.ts";
import { type ByteSource, toIterable } from "../base/stream.ts";
import { retireKey } from "../guards/retire_key.ts";
import type { Algorithm } from "../identity/algorithms.ts";
import type { Digest } from "../identity/digest.ts";
import { coded } from "../ledger/mod.ts";
import type { DataPlane, IngestOptions, IngestResult, UploadBytes } from "../spi/data_plane.ts";
import type { Database, WriteOptions } from "../spi/database.ts";
import type { Tables } from "../views/tables.ts";
import { createNewestRequests } from "./newest_request.ts";
import { allHere, checkCount, lengthMismatch, type Plan, planOf, tooShort, upTo } from "./upload_rules.ts";
import * as sessions from "./upload_sessions.ts";
import { type Change, type Noted, noted, type SessionRow, type Taken, type UploadOwner } from "./upload_sessions.ts";

export interface UploadSession {
  readonly upload_id: string;
  /** Bytes that are durable: go on here. */
  readonly offset: number;
  /** Bytes in the end, once somebody has said. */
  readonly length: number | null;
  /** Bytes at most. */
  readonly max_size: number;
  /** True once the answer is final. */
  readonly complete: boolean;
  /** What the use case said it is for. */
  readonly target: unknown;
  readonly answer: UploadAnswer | null;
  readonly created_at: string;
  readonly expires_at: string;
}

export type UploadAnswer =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly error: { readonly code: ErrorCode; readonly message: string; readonly data: Record<string, unknown> };
    };

export interface AppendRequest {
  /** Where the caller thinks the upload is; absent: wherever it is. */
  readonly offset?: number;
  /** None: nothing is appended, which spares what appending costs. */
  readonly source?: ByteSource;
  /** The last byte of the upload is the last of this request. */
  readonly complete: boolean;
  /** Bytes in the end, if the caller says so here. */
  readonly length?: number;
  /**
   * `finish` comes to the same answer without the bytes, from what the log says. Then the answer needs no sync of its
   * own: after a power cut that took it, it is found again.
   */
  readonly repeatable?: boolean;
  /** Digests of the bytes of this request alone; they are not appended unless all match. */
  readonly expected?: readonly Digest[];
  readonly signal?: AbortSignal;
}

export type CompleteOptions = Pick<IngestOptions, "expected" | "expected_size" | "algorithms" | "place">;

/**
 * Makes the answer out of the bytes; JSON. `again` is true when an earlier attempt may have got through. What it throws
 * is the final answer too if it is about the request, and is passed on for another try if it is about this server.
 */
export type Finish = (
  session: UploadSession,
  ingest: (options: CompleteOptions) => Promise<IngestResult>,
  again: boolean,
) => Promise<unknown>;

/** Records the answer, in the transaction that makes it true (`Unit.beside`). */
export type NoteAnswer = (trx: Transaction<Tables>, value: unknown) => Promise<void>;

export interface Uploads {
  /** @throws {RegistryError} `too_many_uploads`, `limit_exceeded`, `invalid_argument` */
  create(
    who: UploadOwner,
    input: {
      readonly target: unknown;
      readonly length?: number;
      readonly maxSize: number;
      readonly backendId: string;
      /** Digests that the whole will be asked for, beyond blake3 and sha256. */
      readonly algorithms?: readonly Algorithm[];
      /** Uploads that this owner may have open through this door, with this one. Default: as the engine was told. */
      readonly maxOpen?: number;
    },
  ): Promise<UploadSession>;
  /** Just looks. @throws {RegistryError} `upload_not_found` */
  look(who: UploadOwner, id: string): Promise<UploadSession>;
  /** Ends a request that is under way, so that the offset is the last word. @throws {RegistryError} `upload_not_found` */
  status(who: UploadOwner, id: string): Promise<UploadSession>;
  /**
   * Appends and, when asked, completes. A completed upload answers as it did, whatever is sent.
   * @throws {RegistryError} `upload_not_found`, `upload_offset_mismatch` (with the true offset), `upload_length_mismatch`,
   * `upload_superseded`, `limit_exceeded`, `digest_mismatch` (of the request), what the source throws, and what
   * `finish` throws without it being final
   */
  append(who: UploadOwner, id: string, request: AppendRequest, finish: Finish): Promise<UploadSession>;
  /**
   * All bytes of an upload at once, without those of the engine: `bring` stores them as if there were no upload, and
   * `note` ends this one with the answer, in the same commit. What `bring` throws leaves the upload as it was. `undefined`: it has bytes already, or had
   * `size` been announced it would not have been begun; `append` then.
   */
  whole(
    who: UploadOwner,
    id: string,
    size: number,
    bring: (session: UploadSession, signal: AbortSignal, note: NoteAnswer) => Promise<unknown>,
  ): Promise<UploadSession | undefined>;
  /** Frees its bytes. @throws {RegistryError} `upload_not_found` */
  cancel(who: UploadOwner, id: string): Promise<void>;
  /** Frees expired uploads; resolves to how many. */
  expire(limit?: number): Promise<number>;
  /** Ends what is under way in this process; what has arrived counts. */
  stop(): Promise<void>;
}

/** Refusals that another try with the same bytes cannot change. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid_argument",
  "invalid_digest",
  "invalid_path",
  "digest_mismatch",
  "size_mismatch",
  "limit_exceeded",
  "access_denied",
  "package_not_found",
  "package_not_open",
  "file_not_found",
  "path_exists",
  "path_conflict",
]);
/** Expired uploads that a new one clears away at most. */
const SWEEP = 20;

export function createUploads(deps: {
  readonly database: Database<Tables>;
  readonly dataPlane: DataPlane;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Uploads that one owner may have open through one door. */
  readonly maxOpen: number;
}): Uploads {
  const { database, dataPlane } = deps;
  const requests = createNewestRequests();
  const db = <T>(work: () => Promise<T>): Promise<T> => coded(database, work);

  /** Ownership first: a stranger must not stop anybody. */
  async function take<T>(
    who: UploadOwner,
    id: string,
    work: (taken: Taken, stopped: AbortSignal) => Promise<T>,
    plan?: (found: SessionRow, epoch: number) => Change,
  ): Promise<T> {
    await db(() => sessions.findSession(deps, who, id));
    return await requests.run(id, sessions.superseded(id), async (stopped) => {
      const taken = await db(() => sessions.takeSession(deps, who, id, plan));
      return await work(taken, stopped);
    });
  }

  async function append(who: UploadOwner, id: string, request: AppendRequest, finish: Finish): Promise<UploadSession> {
    let planned: Plan = { next: "nothing" };
    return await take(
      who,
      id,
      async ({ before, row: taken }, stopped) => {
        if (taken.state === "completed") return describe(taken);
        if (planned.next === "refuse") throw planned.error;
        const signal = request.signal === undefined ? stopped : AbortSignal.any([request.signal, stopped]);
        const row = planned.next === "receive" ? await receive(before, taken, request, signal) : taken;
        if (!request.complete) return describe(row);
        return describe(await complete(before, row, finish, { relaxed: request.repeatable === true }, signal));
      },
      (found, epoch) => {
        planned = planOf(found, request);
        return planned.next === "receive"
          ? { writer_epoch: epoch, upload_length: planned.length }
          : planned.next === "complete"
            ? allHere(found)
            : {};
      },
    );
  }

  async function receive(
    before: SessionRow,
    taken: SessionRow,
    request: AppendRequest,
    signal: AbortSignal,
  ): Promise<SessionRow> {
    const contended = before.writer_epoch !== null;
    const length = taken.upload_length;
    let row = taken;
    /** Whether the bytes lie where only this request writes. */
    let apart = !contended;
    let ended = false;
    const overflow =
      length === null
        ? new RegistryError("limit_exceeded", `An upload may have ${row.max_size} bytes at most`, {
            limit: row.max_size,
          })
        : lengthMismatch(`More than the announced ${length} bytes came; the upload is cancelled`, row, length);
    try {
      const bytes: UploadBytes = {
        ...bytesOf(before, contended, signal),
        async record(checkpoint, last) {
          const whole = last === "whole" && request.complete && (length ?? checkpoint.offset) === checkpoint.offset;
          const and = {
            ...(last === undefined ? {} : { writer_epoch: null }),
            ...(whole ? allHere({ upload_offset: checkpoint.offset }) : {}),
          };
          row = await db(() => sessions.recordCheckpoint(deps, row, checkpoint, and));
          apart = true;
          ended = last !== undefined;
        },
      };
      const room = (length ?? row.max_size) - row.upload_offset;
      const { source = nothing(), expected = [] } = request;
      await dataPlane.appendUpload(bytes, upTo(toIterable(source), room, overflow), { expected });
    } catch (error) {
      // The draft: an upload that goes beyond its length is no good any more.
      if (error === overflow) await remove(row);
      if (!isRegistryError(error, "object_missing")) throw error;
      await remove(row);
      throw sessions.notFound(row.upload_id);
    } finally {
      // If the bytes could not be moved away from an earlier writer, that one may still come.
      if (apart && !ended) await db(() => sessions.endWriting(deps, row));
    }
    if (request.complete && row.state !== "completing") throw tooShort(row, row.upload_length);
    return row;
  }

  async function complete(
    before: SessionRow,
    row: SessionRow,
    finish: Finish,
    answering: WriteOptions,
    signal: AbortSignal,
  ): Promise<SessionRow> {
    const again = before.state === "completing";
    const contended = again && row.writer_epoch !== null;
    let current = row;
    const ingest = async (options: CompleteOptions): Promise<IngestResult> => {
      const bytes: UploadBytes = {
        ...bytesOf(current, contended, signal),
        async record(checkpoint) {
          current = await db(() => sessions.recordCheckpoint(deps, current, checkpoint));
        },
      };
      return await dataPlane.completeUpload(bytes, options);
    };
    let answer: UploadAnswer;
    try {
      answer = { ok: true, value: await finish(describe(current), ingest, again) };
    } catch (error) {
      if (isRegistryError(error, "object_missing") && error.data.upload_id === row.upload_id) {
        await remove(current);
        throw sessions.notFound(row.upload_id);
      }
      if (!isRegistryError(error) || !FINAL.has(error.code)) throw error;
      answer = { ok: false, error: { code: error.code, message: error.message, data: { ...error.data } } };
    }
    const answered = await db(() => sessions.recordAnswer(deps, current, JSON.stringify(answer), answering));
    await free(answered).catch(() => {}); // `doctor --fix` collects what could not be freed
    return answered;
  }

  async function whole(
    who: UploadOwner,
    id: string,
    size: number,
    bring: (session: UploadSession, signal: AbortSignal, note: NoteAnswer) => Promise<unknown>,
  ): Promise<UploadSession | undefined> {
    const row = await db(() => sessions.findSession(deps, who, id));
    const begun = row.state !== "open" || row.writer_epoch !== null || row.backend_state !== null;
    const fits = size <= row.max_size && (row.upload_length ?? size) === size;
    if (begun || !fits || requests.has(id)) return undefined;
    return await requests.run(id, sessions.superseded(id), async (stopped) => {
      let answered: SessionRow | undefined;
      await bring(describe(row), stopped, async (trx, value) => {
        const answer: UploadAnswer = { ok: true, value };
        answered = await sessions.noteAnswer(trx, deps, row, JSON.stringify(answer));
      });
      if (answered === undefined) throw sessions.superseded(id);
      return describe(answered);
    });
  }

  /** Takes the row out, then its bytes. */
  async function remove(row: SessionRow): Promise<void> {
    await db(() => sessions.deleteSession(deps, row));
    await free(row);
  }

  async function free(row: SessionRow): Promise<void> {
    await dataPlane.discardUpload(row.backend_id, row.upload_id);
    const sealed = await dataPlane.sealedUpload(row.backend_id, row.upload_id);
    if (sealed === undefined) return;
    // Kept where a name points at it; otherwise nobody can give it one any more.
    if (await db(() => retireKey(deps, sealed))) await dataPlane.delete(sealed);
  }

  async function expire(limit = 1000): Promise<number> {
    const expired = await db(() => sessions.takeExpired(deps, limit));
    for (const row of expired) {
      requests.stop(row.upload_id, sessions.notFound(row.upload_id));
      await free(row);
    }
    return expired.length;
  }

  return {
    async create(who, { target, length, maxSize, backendId, algorithms = [], maxOpen = deps.maxOpen }) {
      if (length !== undefined) checkCount(length, "The length of an upload");
      if (length !== undefined && length > maxSize) {
        throw new RegistryError("limit_exceeded", `An upload may have ${maxSize} bytes at most`, { limit: maxSize });
      }
      const { row, stale } = await db(() =>
        sessions.insertSession(deps, maxOpen, {
          tenant: who.tenant,
          owner: who.owner,
          door: who.door,
          upload_id: deps.ids.uuid(),
          backend_id: backendId,
          upload_length: length ?? null,
          max_size: maxSize,
          target: JSON.stringify({
            algorithms,
            target,
            ...(who.scope !== undefined && { scope: who.scope }),
          } satisfies Noted),
        }),
      );
      if (stale) await expire(SWEEP).catch(() => {}); // a new upload does not fail because an old one cannot be freed
      return describe(row);
    },
    look: async (who, id) => describe(await db(() => sessions.findSession(deps, who, id))),
    status: (who, id) => take(who, id, async ({ row }) => describe(row)),
    append,
    whole,
    cancel: (who, id) => take(who, id, ({ row }) => remove(row)),
    expire,
    stop: () => requests.stopAll(new RegistryError("cancelled", "The store is closing; go on with the upload later")),
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function bytesOf(row: SessionRow, contended: boolean, signal: AbortSignal): Omit<UploadBytes, "record"> {
  const { backend_id, upload_id, upload_offset: offset, backend_state: state } = row;
  const { algorithms } = noted(row);
  return {
    ...{ backend_id, upload_id, contended, signal, algorithms },
    ...(state === null ? {} : { checkpoint: { offset, state } }),
  };
}

function describe(row: SessionRow): UploadSession {
  return {
    upload_id: row.upload_id,
    offset: row.upload_offset,
    length: row.upload_length,
    max_size: row.max_size,
    complete: row.state === "completed",
    target: noted(row).target,
    answer: row.answer === null ? null : (JSON.parse(row.answer) as UploadAnswer),
    created_at: row.created_at,
    expires_at: row.expires_at,
  };
}

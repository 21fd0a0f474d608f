/** A server that goes away for a while: waited for, and said so, instead of given up. */
import type { RegistryError } from "../../core/mod.ts";
import { ApiError } from "../../sdk/typescript/mod.ts";
import { backOff, mayPass, sleep } from "../../sdk/typescript/retry.ts";
import { within } from "../../sdk/typescript/watchdog.ts";
import { toRegistryError } from "../remote/errors.ts";
import type { Server } from "../remote/server.ts";

/** Refusals of the moment that HTTP does not show by their status. */
const OF_THE_MOMENT = new Set([
  "idempotency_in_flight",
  "database_busy",
  "maintenance_in_progress",
  // Settled by asking where the upload is.
  "upload_offset_mismatch",
  "upload_superseded",
]);
/** Until the server has answered once, it is most likely not there at all, ms. */
const AT_FIRST = 15_000;
/** A failure of the server itself is hardly cured by waiting longer, ms. */
const INTERNAL = 30_000;
/** An answer that takes longer than this never comes: not even closing a million entries takes so long, ms. */
const ANSWER = 900_000;
/** Between two remarks about the same trouble, ms. */
const REMARK_EVERY = 60_000;
/** Trouble that is over sooner is not worth a remark, ms. */
const REMARK_AFTER = 1000;
const SHORTEST = 200;
const LONGEST = 10_000;

export interface PatienceOptions {
  /** How long the server may be away, ms. */
  readonly limit: number;
  /** It was there once: an earlier run has spoken to it. */
  readonly known: boolean;
  note(message: string, data: Readonly<Record<string, unknown>>): void;
  readonly now?: () => number;
}

/** One piece of work, tried again and again. */
export interface Trial {
  /** It came further: what counts against it begins anew. */
  moved(): void;
  /** Waits until the next try. @throws {RegistryError} what is no reason to wait, or no longer */
  failed(error: unknown, signal?: AbortSignal): Promise<void>;
}

export interface Patience {
  begin(): Trial;
  /** The server again, whose `ask` is as patient. Also what is not safe to repeat is tried once only. */
  readonly server: Server;
}

export function createPatience(server: Server, options: PatienceOptions): Patience {
  const { limit, note, now = () => performance.now() } = options;
  let answered = options.known;
  let remarked: number | undefined;

  function remark(error: RegistryError, refused: boolean, since: number, left: number): void {
    const at = now();
    if (at - since < REMARK_AFTER || (remarked !== undefined && at - remarked < REMARK_EVERY)) return;
    remarked = at;
    const minutes = Math.max(1, Math.ceil(left / 60_000));
    const much = left < 60_000 ? `${Math.ceil(left / 1000)} more seconds` : `${minutes} more minutes`;
    const what = refused ? "the server cannot do it now" : "the server does not answer";
    note(`${what}; trying again for ${much} (${error.message})`, {
      code: error.code,
      seconds_left: Math.ceil(left / 1000),
    });
  }

  function begin(): Trial {
    let since: number | undefined;
    return {
      moved() {
        since = undefined;
        answered = true;
        if (remarked === undefined) return;
        remarked = undefined;
        note("the server answers again", {});
      },
      async failed(error, signal) {
        const known = toRegistryError(error, server.url);
        if (error instanceof ApiError) answered = true;
        if (!maySettle(error)) throw known;
        since ??= now();
        const spent = now() - since;
        const allowed = Math.min(limit, answered ? limit : AT_FIRST, known.code === "internal" ? INTERNAL : limit);
        if (spent >= allowed) throw known;
        remark(known, error instanceof ApiError, since, allowed - spent);
        const wait = Math.min(LONGEST, Math.max(SHORTEST, spent / 4), Math.max(SHORTEST, allowed - spent));
        if (error instanceof ApiError && error.headers.has("retry-after")) await backOff(0, error, signal);
        else await sleep(wait * (0.5 + Math.random() / 2), signal);
      },
    };
  }

  return {
    begin,
    server: {
      ...server,
      async ask({ signal }, call, { again = true } = {}) {
        const trial = begin();
        for (;;) {
          signal?.throwIfAborted();
          try {
            const result = await within(ANSWER, signal, (signal) => call({ signal }));
            trial.moved();
            return result;
          } catch (error) {
            if (signal?.aborted) throw signal.reason;
            if (!again) throw toRegistryError(error, server.url);
            await trial.failed(error, signal);
          }
        }
      },
    },
  };
}

/** Whether the same again may do better. */
export function maySettle(error: unknown): boolean {
  return mayPass(error) || (error instanceof ApiError && OF_THE_MOMENT.has(error.code));
}

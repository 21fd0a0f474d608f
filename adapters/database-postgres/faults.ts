/** What an error of PostgreSQL or of the connection to it means; by SQLSTATE or system code, not by text. */
import { RegistryError } from "../../core/base/errors.ts";
import type { DatabaseFault } from "../../core/spi/database.ts";

/**
 * Codes after which a connection is gone: postgres.js's own, the system's, SQLSTATE class 08 (connection), 57P01-05
 * (terminated, shutting down, starting) and 25P03/25P04 (idle in or too long a transaction).
 */
const CONNECTION_LOST = /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|08|57P0|25P0[34])/;

/** How deep `cause` is followed: wrappers are few, cycles are possible. */
const MAX_CAUSES = 8;

export function isConnectionLost(error: unknown): boolean {
  return CONNECTION_LOST.test(codeOf(error));
}

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : "";
}

export function postgresFault(error: unknown): DatabaseFault {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    const fault = faultOf(codeOf(current), current.message);
    if (fault !== undefined) return fault;
    current = current.cause;
  }
  return "other";
}

function faultOf(code: string, message: string): DatabaseFault | undefined {
  if (CONNECTION_LOST.test(code)) return "connection";
  switch (code) {
    case "database_busy": // our own RegistryError
    case "55P03": // lock_not_available
    case "40001": // serialization_failure
    case "40P01": // deadlock_detected
    case "53300": // too_many_connections
      return "busy";
    case "database_full":
    case "53100": // disk_full
      return "full";
    case "58030": // io_error
    case "XX001": // data_corrupted
    case "XX002": // index_corrupted
      return "io";
    case "23505":
      return "unique";
    case "25006": // read_only_sql_transaction
    case "42501": // insufficient_privilege
      return "read_only";
    case "P0001": // raise_exception: our triggers (migrations/types.ts)
      return message.startsWith("append_only:") ? "append_only" : undefined;
    default:
      return undefined;
  }
}

/**
 * The error as a plain one with its code. postgres.js freezes `stack`, on which Kysely then fails (V8), losing the
 * code; and somebody else's lock becomes the registry's `database_busy`.
 */
export function plainError(error: unknown): Error {
  if (error instanceof RegistryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (codeOf(error) === "55P03") {
    return new RegistryError(
      "database_busy",
      "Another transaction held a lock for longer than lock_timeout. Try again; if it stays so, look for a long transaction in pg_stat_activity.",
      { sqlstate: "55P03" },
      error,
    );
  }
  return Object.assign(new Error(message, { cause: error }), { code: codeOf(error) });
}

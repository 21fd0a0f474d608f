/** What a database throws, as one of the registry's errors. */
import { messageOf, RegistryError } from "../base/errors.ts";
import type { Database } from "../spi/database.ts";

/**
 * For use cases that read: a failure of the database gets its code. What the database does not know (a bug, an error of
 * the caller's own stream) passes unchanged.
 */
export async function coded<T>(database: Pick<Database, "fault">, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw codedError(database, error);
  }
}

export function codedError(database: Pick<Database, "fault">, error: unknown): unknown {
  if (error instanceof RegistryError) return error;
  const fault = database.fault(error);
  return fault === "other" ? error : databaseError(fault, error);
}

/** Every promise-answering function of `methods`, with its database failures coded. */
export function withCodes<T extends object>(database: Pick<Database, "fault">, methods: T): T {
  const wrapped = Object.entries(methods).map(([name, method]) => [
    name,
    (...given: unknown[]) => coded(database, async () => await (method as (...all: unknown[]) => unknown)(...given)),
  ]);
  return Object.fromEntries(wrapped) as T;
}

export function databaseError(fault: ReturnType<Database["fault"]>, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const detail = messageOf(error);
  switch (fault) {
    case "full":
      return new RegistryError(
        "database_full",
        "The disk of the database is full; nothing was recorded. Free space and try again",
        { detail },
        error,
      );
    case "busy":
      return new RegistryError(
        "database_busy",
        "Another process keeps the database busy; try again",
        { detail },
        error,
      );
    case "connection":
      return new RegistryError(
        "database_failed",
        "The connection to the database was lost; nothing was recorded. Try again",
        { detail },
        error,
      );
    case "read_only":
      return new RegistryError(
        "database_failed",
        "The database cannot be written: read-only file, directory or server, or a role without the right",
        { detail },
        error,
      );
    default:
      return new RegistryError("database_failed", `The database failed: ${detail}`, { detail }, error);
  }
}

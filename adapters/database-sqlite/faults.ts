/**
 * What an error of SQLite means. By message: Deno's `node:sqlite` carries no `errcode`, and the texts of SQLite's
 * primary result codes have not changed in 15 years.
 */
import { RegistryError } from "../../core/base/errors.ts";
import type { DatabaseFault } from "../../core/spi/database.ts";

const MESSAGES: readonly (readonly [RegExp, DatabaseFault])[] = [
  [/^append_only:/, "append_only"],
  [/UNIQUE constraint failed/, "unique"],
  // Not "database table is locked": that is a conflict inside this process, which waiting does not end.
  [/database is locked/, "busy"],
  [/database or disk is full/, "full"],
  // The second is also how SQLite calls an EIO under a read; the third, a disk that went before a file was opened.
  [/disk I\/O error|disk image is malformed|unable to open database file/, "io"],
  [/attempt to write a readonly database/, "read_only"],
];

/** How deep `cause` is followed: wrappers are few, cycles are possible. */
const MAX_CAUSES = 8;

export function sqliteFault(error: unknown): DatabaseFault {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    if (current instanceof RegistryError) {
      if (current.code === "database_busy") return "busy";
      if (current.code === "database_full") return "full";
    }
    for (const [pattern, fault] of MESSAGES) if (pattern.test(current.message)) return fault;
    current = current.cause;
  }
  return "other";
}

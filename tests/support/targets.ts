/** Databases by name, for tests that hand them to other processes. */
import { openPostgresDatabase, type PostgresOptions } from "../../adapters/database-postgres/mod.ts";
import { openSqliteDatabase } from "../../adapters/database-sqlite/mod.ts";
import type { Database, DatabaseKind } from "../../core/spi/database.ts";

/** Where a database is. `url` is a path on SQLite. */
export interface DatabaseTarget {
  readonly kind: DatabaseKind;
  readonly url: string;
}

export function openTarget(target: DatabaseTarget, options: Partial<PostgresOptions> = {}): Promise<Database> {
  return target.kind === "sqlite"
    ? openSqliteDatabase({ path: target.url })
    : openPostgresDatabase({ max: 5, ...options, url: target.url });
}

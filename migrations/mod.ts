/** The schema: `migrate(db)` brings a database up to date, whatever its kind. */
export { migrations } from "./list.ts";
export {
  assertSchemaCurrent,
  type MigrationResult,
  migrate,
  migrateFresh,
  type SchemaState,
  schemaState,
} from "./runner.ts";
export type { Migration } from "./types.ts";

/**
 * The database kit, migrations and killed backends on whatever runtime runs this file:
 * `<runtime> database_smoke.ts <folder for SQLite> <URL of a PostgreSQL database>`. Exits with 1 if a promise is broken.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { sql } from "kysely";
import { type DatabaseContext, runDatabaseConformance } from "../../adapters/conformance/database.ts";
import { renderReport } from "../../adapters/conformance/report.ts";
import { openPostgresDatabase } from "../../adapters/database-postgres/mod.ts";
import { openSqliteDatabase } from "../../adapters/database-sqlite/mod.ts";
import { migrate, schemaState } from "../../migrations/mod.ts";
import { surviveKills } from "./database_kills.ts";

const [folder, url] = process.argv.slice(2) as [string, string];
let cases = 0;

async function freshSqlite(): Promise<DatabaseContext & { remove(): Promise<void> }> {
  const dir = join(folder, String(cases++));
  mkdirSync(dir);
  return {
    open: () => openSqliteDatabase({ path: join(dir, "kit.db") }),
    remove: async () => rmSync(dir, { recursive: true }),
  };
}

const admin = await openPostgresDatabase({ url, max: 3 });

async function freshPostgres(): Promise<DatabaseContext & { remove(): Promise<void> }> {
  const name = `kit_${process.pid}_${cases++}`;
  await sql`create database ${sql.id(name)}`.execute(admin.read);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    open: () => openPostgresDatabase({ url: own.href, max: 5 }),
    remove: async () => void (await sql`drop database ${sql.id(name)} with (force)`.execute(admin.read)),
  };
}

let ok = true;
for (const [subject, fresh] of [
  ["SQLite", freshSqlite],
  ["PostgreSQL", freshPostgres],
] as const) {
  const report = await runDatabaseConformance(subject, fresh);
  ok &&= report.ok;
  console.log(renderReport(report));
  const context = await fresh();
  const db = await context.open();
  await migrate(db);
  await migrate(db);
  const state = await schemaState(db);
  ok &&= state.pending.length === 0;
  console.log(`${subject}: schema version ${state.version}`);
  await db.close();
  await context.remove();
}
const room = await freshPostgres();
const kills = await room.open();
await kills.close();
const own = new URL(url);
own.pathname = `/kit_${process.pid}_${cases - 1}`;
await surviveKills(own.href);
console.log("killed backends: survived");
await room.remove();
await admin.close();
process.exitCode = ok ? 0 : 1;

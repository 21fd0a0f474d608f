import { describe } from "bun:test";
import { at, proves } from "./prove.ts";
import { backendsBuiltAtTheRoot, backendsCalledByDataPlane, tablesHaveOneWriter } from "./writers.ts";

describe("backends", () => {
  proves(
    backendsBuiltAtTheRoot,
    "are refused outside the composition roots",
    at("cli/commands/ingest.ts", 'import { openFs } from "../../adapters/storage-fs/mod.ts";'),
    /only adapters\/local\.ts and cli\/compose\.ts construct one/,
    { ...at("cli/compose.ts", 'import { openFs } from "../adapters/storage-fs/mod.ts";') },
  );
  proves(
    backendsCalledByDataPlane,
    "are not named outside the data plane",
    at("core/packages/ingest.ts", 'import type { StorageBackend } from "../spi/mod.ts";'),
    /names StorageBackend/,
    at("core/content/ingest.ts", 'import type { StorageBackend } from "../spi/mod.ts";'),
  );
});

describe("tablesHaveOneWriter", () => {
  proves(
    tablesHaveOneWriter,
    "refuses a use case that writes a view",
    at("core/packages/finalize.ts", 'await trx.updateTable("artifact_packages").set({ state }).execute();'),
    /only the reducers in core\/views/,
    at("core/views/packages.ts", 'await trx.updateTable("artifact_packages").set({ state }).execute();'),
  );
  proves(
    tablesHaveOneWriter,
    "refuses raw SQL that writes a view",
    at("core/guards/delete.ts", "await sql`DELETE FROM objects where size = 0`;"),
    /writes the table objects/,
    at("core/guards/delete.ts", "await sql`select * from objects where size = 0 for update`;"),
  );
  proves(
    tablesHaveOneWriter,
    "refuses raw SQL whose table it cannot read",
    at("core/guards/delete.ts", "await sql`insert into $" + "{sql.table(name)} values (1)`;"),
    /computed table name/,
    at("core/guards/delete.ts", "await sql`select 1 for update $" + "{skip}`;"),
  );
  proves(
    tablesHaveOneWriter,
    "refuses a bulk statement that writes a view",
    at("core/ledger/append.ts", 'await insertRows(trx, "objects", COLUMNS, rows);'),
    /writes the table objects/,
    at("core/ledger/append.ts", 'await insertRows(trx, "events", COLUMNS, rows);'),
  );
  proves(
    tablesHaveOneWriter,
    "refuses an append to the log outside the ledger",
    at("core/access/deny.ts", 'await trx.insertInto("events as e").values(row).execute();'),
    /only the ledger/,
    at("core/ledger/append.ts", 'await trx.insertInto("events").values(row).execute();'),
  );
  proves(
    tablesHaveOneWriter,
    "refuses a table name that it cannot read",
    at("core/guards/delete.ts", "await trx.deleteFrom(table).execute();"),
    /computed table name/,
    at("core/guards/delete.ts", 'await trx.deleteFrom("leases").execute();'),
  );
});

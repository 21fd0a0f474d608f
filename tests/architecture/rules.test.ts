/** Proof that each rule can fail: a small tree with one thing wrong is refused, the same tree put right is not. */
import { describe, expect, test } from "bun:test";
import { erasable, LONG, longFiles, notTooLong, TOO_LONG } from "./form.ts";
import { noRuntimeModules, packageHomes, webStandardsOnly } from "./homes.ts";
import { adapterImports, coreRanks, doorImports, noComputedImports, noCycles } from "./layers.ts";
import { fixture, type Rule, show } from "./tree.ts";
import { backendsBuiltAtTheRoot, backendsCalledByDataPlane, tablesHaveOneWriter } from "./writers.ts";

type Sources = Record<string, string>;

/** `wrong` is refused at its first file's line 2 with a message that matches; `right` passes. */
function proves(rule: Rule, name: string, wrong: Sources, message: RegExp, right: Sources): void {
  test(name, () => {
    const found = rule(fixture(wrong));
    expect(show(found)).toMatch(message);
    expect(found.map(({ path, line }) => `${path}:${line}`)).toEqual([`${Object.keys(wrong)[0]}:2`]);
    expect(show(rule(fixture(right)))).toBe("");
  });
}

const at = (path: string, code: string): Sources => ({ [path]: `// one violation in line 2\n${code}\n` });

describe("coreRanks", () => {
  proves(
    coreRanks,
    "refuses an import that points up, types counted",
    at("core/events/codec.ts", 'import type { A } from "../ledger/commit.ts";'),
    /ledger \(rank 5\) stands above core\/events \(rank 3\)/,
    at("core/ledger/commit.ts", 'import type { A } from "../events/codec.ts";\nimport "./group.ts";'),
  );
  proves(
    coreRanks,
    "refuses an import between folders of one rank",
    at("core/manifest/codec.ts", 'import type { A } from "../spi/storage.ts";'),
    /stands beside/,
    at("core/manifest/codec.ts", 'import { a } from "../identity/digest.ts";'),
  );
  proves(
    coreRanks,
    "refuses one capability in another",
    at("core/packages/create.ts", 'import { a } from "../retention/plan.ts";'),
    /capability packages imports capability retention/,
    at("core/packages/create.ts", 'import { a } from "../guards/leases.ts";\nimport "./open.ts";'),
  );
  proves(
    coreRanks,
    "refuses anything in core that imports the registry",
    at("core/packages/create.ts", 'import type { Registry } from "../registry.ts";'),
    /rank 10/,
    at("core/registry.ts", 'import { create } from "./packages/create.ts";'),
  );
  proves(
    coreRanks,
    "refuses an adapter in core",
    at("core/content/ingest.ts", 'export * from "../../adapters/storage-fs/mod.ts";'),
    /core knows nothing outside/,
    at("core/content/ingest.ts", 'export * from "../spi/storage.ts";'),
  );
});

describe("adapterImports", () => {
  proves(
    adapterImports,
    "refuses the views, a sibling and the migrations in an adapter",
    at("adapters/database-sqlite/open.ts", 'import { m } from "../../migrations/mod.ts";'),
    /an adapter sees only core\/spi, core\/identity, core\/base/,
    at(
      "adapters/database-sqlite/open.ts",
      'import type { Database } from "../../core/spi/database.ts";\nimport "./pragmas.ts";',
    ),
  );
  proves(
    adapterImports,
    "refuses a sibling whose name begins alike",
    at("adapters/storage-fs/mod.ts", 'import { a } from "../storage-fs-fast/mod.ts";'),
    /storage-fs-fast/,
    at("adapters/local.ts", 'import { a } from "./storage-fs/mod.ts";\nimport { b } from "../core/mod.ts";'),
  );
  proves(
    adapterImports,
    "refuses the conformance kit in an adapter's source",
    at("adapters/storage-fs/mod.ts", 'import { cases } from "../conformance/storage.ts";'),
    /only tests and the CLI run it/,
    at("adapters/conformance/mod.ts", 'import { cases } from "./storage.ts";'),
  );
});

describe("doorImports", () => {
  proves(
    doorImports,
    "refuses the inside of core in the server",
    at("server/routes/health.ts", 'import { a } from "../../core/packages/create.ts";'),
    /server may import server, core\/mod.ts, core\/spi/,
    at(
      "server/routes/health.ts",
      'import { a } from "../../core/mod.ts";\nimport type { B } from "../../core/spi/mod.ts";',
    ),
  );
  proves(
    doorImports,
    "refuses a reducer in a migration, but not a table's type",
    at("migrations/m0001.ts", 'import { reduce } from "../core/views/packages.ts";'),
    /types only/,
    at("migrations/m0001.ts", 'import type { Tables } from "../core/views/tables.ts";'),
  );
  proves(
    doorImports,
    "refuses an adapter in the library's door",
    at("mod.ts", 'export * from "./adapters/storage-fs/mod.ts";'),
    /only re-exports/,
    at("mod.ts", 'export * from "./core/mod.ts";\nexport { openLocal } from "./adapters/local.ts";'),
  );
});

describe("noCycles", () => {
  test("refuses two files that import each other, even for types only", () => {
    const wrong = {
      "core/base/a.ts": 'import { b } from "./b.ts";',
      "core/base/b.ts": '//\nimport type { A } from "./a.ts";',
    };
    expect(show(noCycles(fixture(wrong)))).toBe(
      "core/base/b.ts:2: closes an import cycle: core/base/a.ts -> core/base/b.ts -> core/base/a.ts",
    );
    expect(show(noCycles(fixture({ ...wrong, "core/base/b.ts": "" })))).toBe("");
  });
  test("refuses a longer cycle, once, and not the diamond beside it", () => {
    const wrong = fixture({
      "a.ts": 'import "./b.ts"; import "./c.ts";',
      "b.ts": 'import "./d.ts";',
      "c.ts": 'import "./d.ts";',
      "d.ts": 'import "./e.ts";',
      "e.ts": 'import "./b.ts";',
    });
    expect(noCycles(wrong).map(({ message }) => message)).toEqual([
      "closes an import cycle: b.ts -> d.ts -> e.ts -> b.ts",
    ]);
  });
});

describe("noComputedImports", () => {
  proves(
    noComputedImports,
    "refuses an import that no rule can follow",
    at("adapters/hasher.ts", "await import(name);"),
    /computed name/,
    at("adapters/hasher.ts", 'await import("./hasher-wasm/mod.ts");'),
  );
});

describe("packageHomes", () => {
  proves(
    packageHomes,
    "refuses a package away from home",
    at("core/events/codec.ts", 'import { encode } from "cborg/json";'),
    /cborg, whose home is core\/base\/cbor\.ts/,
    at("core/base/cbor.ts", 'import { encode } from "cborg";'),
  );
  proves(
    packageHomes,
    "refuses a package without a home",
    at("cli/main.ts", 'import x from "@left/pad/sub";'),
    /@left\/pad, which has no home/,
    at("cli/main.ts", 'import { Command } from "commander";'),
  );
  proves(
    packageHomes,
    "refuses values of a package in an SPI",
    at("core/spi/database.ts", 'import { sql } from "kysely";'),
    /an SPI holds types/,
    at("core/spi/database.ts", 'import type { Kysely } from "kysely";'),
  );
});

describe("noRuntimeModules", () => {
  proves(
    noRuntimeModules,
    "refuses node: and bun: in what runs everywhere",
    at("core/content/ingest.ts", 'import { createHash } from "node:crypto";'),
    /imports node:crypto/,
    at("adapters/hasher-native/mod.ts", 'import { createHash } from "node:crypto";'),
  );
});

describe("webStandardsOnly", () => {
  for (const use of [
    "Bun.file(p)",
    "globalThis.Deno",
    "process.env",
    "Buffer.from(a)",
    "await fetch(url)",
    "require(m)",
  ]) {
    proves(
      webStandardsOnly,
      `refuses ${use} in core`,
      at("core/content/ingest.ts", `const a = ${use};`),
      /core runs on web standards alone/,
      at("adapters/x/mod.ts", `const a = ${use};`),
    );
  }
  test("lets core use such words as names of its own", () => {
    const right = at(
      "core/base/a.ts",
      "// Bun.file\nconst a = { process: 1, fetch }; a.process; x.fetch(); const s = 'Bun';",
    );
    expect(show(webStandardsOnly(fixture(right)))).toBe("");
  });
});

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

describe("notTooLong", () => {
  const lines = (count: number): Sources => ({ "core/base/a.ts": "//\n".repeat(count) });
  test(`refuses ${TOO_LONG + 1} lines, and asks about ${LONG + 1}`, () => {
    expect(show(notTooLong(fixture(lines(TOO_LONG + 1))))).toMatch(/501 lines/);
    expect(show(notTooLong(fixture(lines(TOO_LONG))))).toBe("");
    expect(longFiles(fixture(lines(LONG + 1)))).toHaveLength(1);
    expect(longFiles(fixture(lines(LONG)))).toHaveLength(0);
  });
});

describe("erasable", () => {
  for (const [name, wrong] of [
    ["an enum", "export enum A { B }"],
    ["a namespace", "namespace A { const b = 1; }"],
    ["a parameter property", "class A { constructor(a: (x: number) => void, private readonly b = 1) {} }"],
    ["import =", 'import a = require("a");'],
    ["an import without .ts", 'import a from "./a";'],
  ] as const) {
    proves(
      erasable,
      `refuses ${name}`,
      at("core/base/a.ts", wrong),
      /not erasable|without its \.ts/,
      at(
        "core/base/a.ts",
        'import a from "./a.ts"; class A { readonly enum = 1; constructor(a: { readonly b: 1 }) {} }',
      ),
    );
  }
  test("refuses .tsx", () => {
    expect(show(erasable(fixture({ "server/page.tsx": "" })))).toMatch(/not a \.ts file/);
  });
});

import { describe, expect, test } from "bun:test";
import { adapterImports, coreRanks, doorImports, noComputedImports, noCycles } from "./layers.ts";
import { at, proves } from "./prove.ts";
import { fixture, show } from "./tree.ts";

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

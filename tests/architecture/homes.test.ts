import { describe, expect, test } from "bun:test";
import { noRuntimeModules, packageHomes, webStandardsOnly } from "./homes.ts";
import { at, proves } from "./prove.ts";
import { fixture, show } from "./tree.ts";

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
      "// Bun.file\nconst a = { process: 1, fetch }; a.process; x.fetch(); const s = 'Bun'; interface B { fetch(r: Request): void }",
    );
    expect(show(webStandardsOnly(fixture(right)))).toBe("");
  });
});

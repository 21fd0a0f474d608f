/**
 * The views are a function of the log (DESIGN 4): whatever was done, they are the same bytes live, after a replay in
 * place, in a scratch database, and on the other kind of database; and they say what a model of a few Maps says.
 */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { PackageEntry } from "../../../core/events/types.ts";
import { digestViews } from "../../../core/ledger/mod.ts";
import { contentAddress, createDigest, type Database, type DatabaseKind } from "../../../core/mod.ts";
import { forEachDatabase, openTarget, testPostgres } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  countingIds,
  type Fixture,
  hasher,
  ingest,
  newPackage,
  openFixture,
  settableClock,
  source,
  text,
} from "../../support/registry_fixture.ts";
import { commitRaw, deletePackage } from "../../support/registry_tamper.ts";
import { CONTENTS, EVERYTHING, Model, NAMES, type Operation, operations, PATHS, VERSIONS } from "./model.ts";

const directory = mkdtempSync(join(tmpdir(), "artifactstore-replay-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let databases = 0;
async function fresh(kind: DatabaseKind): Promise<Database> {
  const url = kind === "postgres" ? await testPostgres() : join(directory, `${databases++}.db`);
  return await openTarget({ kind, url }, { max: 4 });
}

const addressOf = (content: string) => contentAddress(createDigest("blake3", hasher.hash("blake3", text(content))));

class Runner {
  readonly clock = settableClock();
  readonly ids: string[] = [];
  fixture!: Fixture;

  async start(database: Database): Promise<void> {
    this.fixture = await openFixture({ database, clock: this.clock, ids: countingIds() });
  }

  /** The code of the refusal, `undefined` for success. */
  async run(op: Operation): Promise<string | undefined> {
    this.clock.time += 1000;
    const { registry } = this.fixture;
    if (op.do === "create") {
      const [name, version] = [NAMES[op.name] as string, VERSIONS[op.version] ?? undefined];
      const retentionClass = op.version === 0 ? "permanent-record" : "working";
      const input = { name, retentionClass, metadata: { n: this.ids.length }, ...(version && { version }) };
      const made = registry.createPackage(caller, input).then((p) => this.ids.push(p.package_id));
      return await codeOf(made);
    }
    if (op.do === "damage") {
      const payload = { backend_id: "memory", key: "x", problem: "digest" } as const;
      const subject = addressOf(CONTENTS[op.content] as string);
      return await codeOf(commitRaw(registry, caller, { type: "v1.object.damage_found", subject, payload }));
    }
    if (op.do === "redact") return await codeOf(registry.redactEvent(caller, { sequence: op.event, reason: "asked" }));
    const packageId = this.ids[op.pkg] ?? "00000000-0000-7000-8000-000000000000";
    switch (op.do) {
      case "finalize":
        return await codeOf(registry.finalizePackage(caller, packageId));
      case "abandon":
        return await codeOf(registry.abandonPackage(caller, { packageId, reason: "x" }));
      case "delete": {
        const known = await codeOf(registry.getPackage(caller, packageId));
        return known ?? (await codeOf(deletePackage(registry, caller, packageId)));
      }
    }
    const path = PATHS[op.path] as string;
    switch (op.do) {
      case "directory":
        return await codeOf(registry.addDirectory(caller, { packageId, path }));
      case "symlink":
        return await codeOf(registry.addSymlink(caller, { packageId, path, target: "a" }));
      case "remove":
        return await codeOf(registry.removeFile(caller, { packageId, path }));
      default: {
        const input = { packageId, path, source: source(CONTENTS[op.content] as string) };
        return await codeOf(
          op.do === "ingest" ? registry.ingestFile(caller, input) : registry.replaceFile(caller, input),
        );
      }
    }
  }

  async packages() {
    const { registry } = this.fixture;
    const found = [];
    for (const id of this.ids) {
      const code = await codeOf(registry.getPackage(caller, id));
      if (code !== undefined) {
        expect(code).toBe("package_not_found");
        found.push("deleted");
        continue;
      }
      const { state, name, version } = await registry.getPackage(caller, id);
      const { items } = await registry.listFiles(caller, id);
      found.push({ state, name, version, entries: items.map(short) });
    }
    return found;
  }
}

const short = (entry: PackageEntry) =>
  entry.kind === "file" ? [entry.path, "file", entry.content_address] : [entry.path, entry.kind];

function expectedPackages(model: Model) {
  return model.packages.map(({ state, name, version, entries }) =>
    state === "deleted"
      ? "deleted"
      : {
          state,
          name,
          version,
          entries: [...entries.values()]
            // Byte order of the path's NFC form; all of these are in the basic plane.
            .toSorted((a, b) => (a.path.normalize("NFC") < b.path.normalize("NFC") ? -1 : 1))
            .map((e) => (e.content === undefined ? [e.path, e.kind] : [e.path, "file", addressOf(e.content)])),
        },
  );
}

test("any operations: as the model says, and the same bytes live, replayed, checked, on both databases", async () => {
  const seen: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(operations, async (ops) => {
      const [model, sqlite, postgres] = [new Model(), new Runner(), new Runner()];
      const opened = [await fresh("sqlite"), await fresh("postgres")] as const;
      try {
        await sqlite.start(opened[0]);
        await postgres.start(opened[1]);
        for (const op of ops) {
          const wanted = model.apply(op);
          const codes = [await sqlite.run(op), await postgres.run(op)];
          expect(codes[0]).toBe(codes[1] as string);
          if (op.do !== "redact" && op.do !== "damage") expect({ op, code: codes[0] }).toEqual({ op, code: wanted });
          const outcome = `${op.do} ${codes[0] ?? "ok"}`;
          seen[outcome] = (seen[outcome] ?? 0) + 1;
        }
        expect(await sqlite.packages()).toEqual(expectedPackages(model) as never);
        expect(await postgres.packages()).toEqual(expectedPackages(model) as never);
        const live = await digestViews(sqlite.fixture.database.read, hasher);
        expect(await digestViews(postgres.fixture.database.read, hasher)).toEqual(live);
        expect(await sqlite.fixture.registry.ledger.head()).toEqual(await postgres.fixture.registry.ledger.head());
        for (const { fixture } of [sqlite, postgres]) {
          const check = await fixture.registry.checkReplay(caller);
          expect(check).toMatchObject({ ok: true, differing: [], live, replayed: live });
          expect((await fixture.registry.replay(caller, { holder: "test" })).views).toEqual(live);
          expect(await digestViews(fixture.database.read, hasher)).toEqual(live);
          expect((await fixture.registry.ledger.verify()).ok).toBe(true);
        }
        expect(await sqlite.packages()).toEqual(expectedPackages(model) as never);
      } finally {
        for (const database of opened) await database.close();
      }
    }),
    { numRuns: 12, examples: [[EVERYTHING]] },
  );
  // A property over operations that never succeed, or are never refused, would say little.
  const wanted = ["ok", "path_conflict", "path_exists", "version_exists", "package_not_open", "package_not_found"];
  expect(wanted.filter((outcome) => !Object.keys(seen).some((one) => one.endsWith(` ${outcome}`)))).toEqual([]);
  for (const kind of [
    "create",
    "ingest",
    "replace",
    "remove",
    "directory",
    "symlink",
    "finalize",
    "abandon",
    "delete",
  ]) {
    expect({ kind, succeeded: (seen[`${kind} ok`] ?? 0) > 0 }).toEqual({ kind, succeeded: true });
  }
  expect(seen["redact ok"] ?? 0).toBeGreaterThan(0);
}, 600_000);

test("operations in concurrent groups leave views that a replay, event by event or page by page, builds again", async () => {
  await fc.assert(
    fc.asyncProperty(operations, fc.integer({ min: 2, max: 12 }), async (ops, width) => {
      for (const kind of ["sqlite", "postgres"] as const) {
        const database = await fresh(kind);
        try {
          const runner = new Runner();
          await runner.start(database);
          for (let at = 0; at < ops.length; at += width) {
            await Promise.all(ops.slice(at, at + width).map((op) => runner.run(op)));
          }
          const { registry } = runner.fixture;
          expect((await registry.checkReplay(caller)).differing).toEqual([]);
          expect((await registry.ledger.verify()).ok).toBe(true);
        } finally {
          await database.close();
        }
      }
    }),
    { numRuns: 8 },
  );
}, 600_000);

afterEach(closeFixtures);

forEachDatabase((_, open) => {
  describe("replay", () => {
    test("of more than a page of events reports its progress and ends in the same views", async () => {
      const { registry, database } = await openFixture({ database: await open() });
      await Promise.all(Array.from({ length: 700 }, (_, i) => newPackage(registry, { name: `p${i % 7}` })));
      const live = await digestViews(database.read, hasher);
      const total = (await registry.ledger.head()).sequence;
      const progress: number[][] = [];
      const report = await registry.replay(caller, {
        holder: "t",
        onProgress: (done, of) => progress.push([done, of]),
      });
      expect(report).toEqual({ events: total, views: live });
      expect(progress.length).toBeGreaterThan(1);
      expect(progress.at(-1)).toEqual([total, total]);
      expect(live.tables.artifact_packages?.rows).toBe(700);
    });

    test("stops when its signal aborts, and leaves the views as they were", async () => {
      const { registry, database } = await openFixture({ database: await open() });
      await newPackage(registry);
      const live = await digestViews(database.read, hasher);
      const abort = AbortSignal.abort();
      expect(await codeOf(registry.replay(caller, { holder: "t", signal: abort }))).toBe("cancelled");
      expect(await codeOf(registry.checkReplay(caller, { signal: abort }))).toBe("cancelled");
      expect(await codeOf(registry.verifyEvents(caller, { signal: abort }))).toBe("cancelled");
      expect(await digestViews(database.read, hasher)).toEqual(live);
    });

    test("mends views that somebody changed, and its check names the table", async () => {
      const { registry, database } = await openFixture({ database: await open() });
      const { package_id } = await newPackage(registry);
      await ingest(registry, package_id, "a", "content");
      const live = await digestViews(database.read, hasher);
      await database.write((trx) => trx.updateTable("artifact_files").set({ size: 1 }).execute());
      const check = await registry.checkReplay(caller);
      expect(check).toMatchObject({ ok: false, differing: ["artifact_files"] });
      expect((await registry.replay(caller, { holder: "test" })).views).toEqual(live);
      expect((await registry.checkReplay(caller)).ok).toBe(true);
    });

    test("its check runs beside writers and compares one moment", async () => {
      const { registry } = await openFixture({ database: await open() });
      let busy = true;
      const writer = async () => {
        while (busy) await newPackage(registry);
      };
      const writers = Promise.all([writer(), writer(), writer()]);
      for (let i = 0; i < 5; i++) expect((await registry.checkReplay(caller)).differing).toEqual([]);
      busy = false;
      await writers;
    });

    test("in place beside writers loses none of their packages", async () => {
      const { registry } = await openFixture({ database: await open() });
      const made: string[] = [];
      let busy = true;
      const writer = async () => {
        while (busy) made.push((await newPackage(registry)).package_id);
      };
      const writers = Promise.all([writer(), writer(), writer()]);
      for (let i = 0; i < 5; i++) await registry.replay(caller, { holder: "test" });
      busy = false;
      await writers;
      for (const id of made) expect((await registry.getPackage(caller, id)).state).toBe("open");
      expect((await registry.checkReplay(caller)).ok).toBe(true);
    });
  });
});

/** Whatever was pushed and deleted: the registry is what a model says, and its views are the same bytes everywhere. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { digestViews } from "../../../core/ledger/mod.ts";
import type { DatabaseKind, OciRegistry, TagHistoryEntry } from "../../../core/mod.ts";
import { openTarget, testPostgres } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  countingIds,
  type Fixture,
  hasher,
  openFixture,
  settableClock,
  source,
} from "../../support/registry_fixture.ts";
import {
  CONTENTS,
  contentDigest,
  MANIFESTS,
  Model,
  manifestDigest,
  type Operation,
  operations,
  type Past,
  REPOSITORIES,
  TAGS,
} from "./model.ts";

const directory = mkdtempSync(join(tmpdir(), "artifactstore-oci-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(closeFixtures);

let databases = 0;

interface Scene extends Fixture {
  readonly clock: { time: number };
  /** Sequence of the newest event, and the time, after so many operations. */
  readonly marks: { readonly sequence: number; readonly time: number }[];
}

async function fresh(kind: DatabaseKind): Promise<Scene> {
  const url = kind === "postgres" ? await testPostgres() : join(directory, `${databases++}.db`);
  const database = await openTarget({ kind, url }, { max: 4 });
  const clock = settableClock();
  const fixture = await openFixture({ database, clock, ids: countingIds() });
  return { ...fixture, clock, marks: [{ ...(await fixture.registry.ledger.head()), time: clock.time }] };
}

async function run({ registry: { oci }, marks }: Scene, op: Operation): Promise<string | undefined> {
  const repository = REPOSITORIES[op.repo] as string;
  switch (op.do) {
    case "push": {
      const digest = contentDigest(op.content, op.algorithm);
      return await codeOf(oci.pushBlob(caller, { repository, digest, source: source(CONTENTS[op.content] as string) }));
    }
    case "unlink":
      return await codeOf(oci.deleteBlob(caller, { repository, digest: contentDigest(op.content, op.algorithm) }));
    case "mount": {
      const from = op.from === null ? {} : { from: REPOSITORIES[op.from] as string };
      const mounted = await oci.mountBlob(caller, { repository, digest: contentDigest(op.content, 0), ...from });
      return mounted === undefined ? "none" : undefined;
    }
    case "manifest": {
      const reference = manifestDigest(op.manifest, op.algorithm);
      const bytes = MANIFESTS[op.manifest] as Uint8Array;
      const tags = op.tags.map((tag) => TAGS[tag] as string);
      return await codeOf(oci.pushManifest(caller, { repository, reference, bytes, tags }));
    }
    case "delete":
      return await codeOf(
        oci.deleteManifest(caller, { repository, digest: manifestDigest(op.manifest, op.algorithm) }),
      );
    case "untag":
      return await codeOf(oci.deleteTag(caller, { repository, tag: TAGS[op.tag] as string }));
    case "restore": {
      const asOf = marks[Math.max(0, marks.length - 1 - op.back)]?.sequence as number;
      return await codeOf(oci.restoreTag(caller, { repository, tag: TAGS[op.tag] as string, asOf }));
    }
    case "drop":
      return await codeOf(oci.deleteRepository(caller, { repository, reason: "test" }));
  }
}

/** All that can be pulled. */
async function seen({ registry: { oci } }: Fixture) {
  const found: Record<string, unknown> = {};
  for (const repository of (await oci.listRepositories(caller)).repositories) {
    const blobs: number[] = [];
    for (const content of CONTENTS.keys()) {
      const digest = contentDigest(content, 0);
      if ((await codeOf(oci.findBlob(caller, { repository, digest }))) === undefined) blobs.push(content);
    }
    const manifests: string[] = [];
    for (const manifest of MANIFESTS.keys()) {
      for (const algorithm of [0, 1]) {
        const reference = manifestDigest(manifest, algorithm);
        if ((await codeOf(oci.getManifest(caller, { repository, reference }))) !== undefined) continue;
        manifests.push(reference);
      }
    }
    const tags: Record<string, string> = {};
    for (const tag of (await oci.listTags(caller, { repository })).tags) {
      tags[tag] = (await oci.getManifest(caller, { repository, reference: tag })).digest;
    }
    found[repository] = { blobs, manifests: manifests.toSorted(), tags };
  }
  return found;
}

function expected(model: Model) {
  return Object.fromEntries(
    [...model.repositories].map(([name, { blobs, manifests, tags }]) => [
      name,
      {
        blobs: [...blobs.keys()].toSorted((a, b) => a - b),
        manifests: [...manifests].toSorted(),
        tags: Object.fromEntries(tags),
      },
    ]),
  );
}

/** What no answer shows: nothing is left of deleted manifests, and histories end where their tags are. */
async function checkRows({ database: { read } }: Fixture): Promise<void> {
  const manifests = await read.selectFrom("oci_manifests").select(["repository_id", "digest"]).execute();
  const known = new Set(manifests.map((row) => `${row.repository_id} ${row.digest}`));
  const references = await read.selectFrom("oci_references").selectAll().execute();
  expect(references.filter((row) => !known.has(`${row.repository_id} ${row.manifest}`))).toEqual([]);
  const living = (await read.selectFrom("oci_repositories").select("repository_id").execute()).map(
    (r) => r.repository_id,
  );
  const blobs = await read.selectFrom("oci_blobs").select("repository_id").distinct().execute();
  expect(blobs.filter((row) => !living.includes(row.repository_id))).toEqual([]);
  const all = await read.selectFrom("oci_tag_history").selectAll().orderBy("sequence").execute();
  const history = all.filter((row) => living.includes(row.repository_id));
  const ends = new Map(history.map((row) => [`${row.repository_id} ${row.tag}`, row.digest]));
  const tags = await read.selectFrom("oci_tags").selectAll().execute();
  expect(new Map([...ends].filter(([, digest]) => digest !== null))).toEqual(
    new Map(tags.map((row) => [`${row.repository_id} ${row.tag}`, row.digest])),
  );
}

/** Every tag as of every operation, by sequence and by time; and its history, in pages. */
async function checkHistory({ registry: { oci }, marks, clock }: Scene, model: Model): Promise<void> {
  clock.time += 1;
  for (const repository of REPOSITORIES) {
    for (const tag of TAGS) {
      for (const [operation, { sequence, time }] of marks.entries()) {
        // In turns. Several may have come in one millisecond: its end is meant.
        const byTime = operation % 2 === 1;
        const asOf = byTime ? new Date(time).toISOString() : sequence;
        const at = byTime ? marks.findLastIndex((mark) => mark.time === time) : operation;
        const then = model.asOf(repository, tag, at);
        const removal = then && model.removalOf(repository, then);
        const found = await oci.getManifest(caller, { repository, reference: tag, asOf }).then(
          ({ digest }) => ({ digest }),
          (error) => ({ code: error.code, removed: error.data.sequence, digest: error.data.digest }),
        );
        const none = model.named.has(repository) ? "manifest_not_found" : "repository_not_found";
        const wanted =
          then === undefined
            ? { code: none }
            : removal === undefined
              ? { digest: then.digest }
              : { code: "content_removed", removed: marks[removal]?.sequence, digest: then.digest };
        expect({ repository, tag, asOf, ...found }).toEqual({ repository, tag, asOf, ...wanted } as never);
      }
      await checkPages(oci, model, repository, tag);
    }
  }
}

async function checkPages(oci: OciRegistry, model: Model, repository: string, tag: string): Promise<void> {
  const past = model.historyOf(repository, tag).toReversed();
  if (past.length === 0) {
    const none = model.named.has(repository) ? "manifest_not_found" : "repository_not_found";
    expect(await codeOf(oci.tagHistory(caller, { repository, tag }))).toBe(none);
    return;
  }
  const stateOf = ({ digest, repository: its }: Past, at: number) => {
    if (digest === null) return "absent";
    if (model.removalOf(repository, { digest, repository: its }) !== undefined) return "removed";
    return at === 0 ? "current" : "kept";
  };
  const wanted = past.map((entry, at) => [entry.digest, stateOf(entry, at), entry.restored && entry.digest !== null]);
  for (const limit of [1, 3, 1000]) {
    const seen: TagHistoryEntry[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await oci.tagHistory(caller, { repository, tag, limit, ...(cursor !== undefined && { cursor }) });
      expect(page.items.length).toBeLessThanOrEqual(limit);
      seen.push(...page.items);
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    expect(seen.map(({ digest, state, restored_from }) => [digest, state, restored_from !== null])).toEqual(wanted);
    expect(seen.every(({ sequence }, at) => at === 0 || sequence < (seen[at - 1]?.sequence as number))).toBe(true);
    const protectedTo = seen.map(({ protected_until }) => protected_until !== null);
    expect(protectedTo).toEqual(seen.map(({ state }) => state === "kept"));
  }
}

async function compare(history: readonly Operation[]): Promise<void> {
  const dumps = [];
  for (const kind of ["sqlite", "postgres"] as const) {
    const fixture = await fresh(kind);
    const model = new Model();
    for (const op of history) {
      // So that some have the same time.
      fixture.clock.time += fixture.marks.length % 3 === 0 ? 0 : 1000;
      expect({ op, code: await run(fixture, op) }).toEqual({ op, code: model.apply(op) });
      fixture.marks.push({ ...(await fixture.registry.ledger.head()), time: fixture.clock.time });
    }
    expect(await seen(fixture)).toEqual(expected(model));
    await checkRows(fixture);
    await checkHistory(fixture, model);
    const check = await fixture.registry.checkReplay(caller);
    expect(check.differing).toEqual([]);
    const live = await digestViews(fixture.database.read, hasher);
    await fixture.registry.replay(caller, { holder: "test" });
    expect(await digestViews(fixture.database.read, hasher)).toEqual(live);
    dumps.push(live);
    await fixture.registry.close();
  }
  expect(dumps[0]).toEqual(dumps[1] as never);
}

/** Everything that can be done, and every refusal. */
const EVERYTHING: readonly Operation[] = [
  { do: "untag", repo: 0, tag: 0 },
  { do: "mount", repo: 0, content: 1, from: null },
  { do: "manifest", repo: 0, manifest: 0, algorithm: 0, tags: [0] },
  { do: "push", repo: 0, content: 0, algorithm: 0 },
  { do: "push", repo: 0, content: 1, algorithm: 1 },
  { do: "manifest", repo: 0, manifest: 0, algorithm: 0, tags: [0, 1, 0] },
  { do: "manifest", repo: 0, manifest: 1, algorithm: 0, tags: [0] },
  { do: "push", repo: 0, content: 2, algorithm: 0 },
  { do: "push", repo: 0, content: 3, algorithm: 0 },
  { do: "manifest", repo: 0, manifest: 1, algorithm: 1, tags: [0] },
  { do: "manifest", repo: 0, manifest: 2, algorithm: 0, tags: [] },
  { do: "manifest", repo: 0, manifest: 3, algorithm: 0, tags: [2] },
  { do: "manifest", repo: 1, manifest: 4, algorithm: 0, tags: [2] },
  { do: "mount", repo: 1, content: 1, from: 0 },
  { do: "unlink", repo: 1, content: 1, algorithm: 1 },
  { do: "unlink", repo: 1, content: 1, algorithm: 0 },
  { do: "unlink", repo: 0, content: 1, algorithm: 0 },
  { do: "manifest", repo: 0, manifest: 0, algorithm: 0, tags: [2] },
  { do: "push", repo: 0, content: 1, algorithm: 0 },
  { do: "unlink", repo: 0, content: 1, algorithm: 1 },
  { do: "delete", repo: 0, manifest: 0, algorithm: 0 },
  { do: "delete", repo: 0, manifest: 0, algorithm: 0 },
  { do: "manifest", repo: 0, manifest: 0, algorithm: 0, tags: [1] },
  { do: "delete", repo: 0, manifest: 1, algorithm: 1 },
  { do: "untag", repo: 0, tag: 1 },
  { do: "untag", repo: 0, tag: 1 },
  { do: "drop", repo: 1 },
  { do: "drop", repo: 1 },
  { do: "restore", repo: 0, tag: 2, back: 4 },
  { do: "manifest", repo: 0, manifest: 3, algorithm: 0, tags: [1] },
  { do: "restore", repo: 0, tag: 1, back: 5 },
  { do: "restore", repo: 0, tag: 1, back: 1 },
  { do: "unlink", repo: 0, content: 1, algorithm: 0 },
  { do: "restore", repo: 0, tag: 0, back: 16 },
  { do: "drop", repo: 0 },
  { do: "restore", repo: 0, tag: 1, back: 3 },
  { do: "manifest", repo: 0, manifest: 3, algorithm: 0, tags: [] },
  { do: "restore", repo: 0, tag: 1, back: 5 },
  { do: "restore", repo: 0, tag: 1, back: 5 },
];

test("one history of everything: live, replayed, on both databases", async () => {
  await compare(EVERYTHING);
}, 300_000);

test("random histories: live, replayed, on both databases", async () => {
  await fc.assert(fc.asyncProperty(operations, compare), { numRuns: 5 });
}, 600_000);

/** Whatever was pushed and deleted: the registry is what a model says, and its views are the same bytes everywhere. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { digestViews } from "../../../core/ledger/mod.ts";
import type { DatabaseKind } from "../../../core/mod.ts";
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
  REPOSITORIES,
  TAGS,
} from "./model.ts";

const directory = mkdtempSync(join(tmpdir(), "artifactstore-oci-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(closeFixtures);

let databases = 0;

async function fresh(kind: DatabaseKind): Promise<Fixture> {
  const url = kind === "postgres" ? await testPostgres() : join(directory, `${databases++}.db`);
  const database = await openTarget({ kind, url }, { max: 4 });
  return await openFixture({ database, clock: settableClock(), ids: countingIds() });
}

async function run({ registry: { oci } }: Fixture, op: Operation): Promise<string | undefined> {
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
  const history = await read.selectFrom("oci_tag_history").selectAll().orderBy("sequence").execute();
  const ends = new Map(history.map((row) => [`${row.repository_id} ${row.tag}`, row.digest]));
  const tags = await read.selectFrom("oci_tags").selectAll().execute();
  expect(new Map([...ends].filter(([, digest]) => digest !== null))).toEqual(
    new Map(tags.map((row) => [`${row.repository_id} ${row.tag}`, row.digest])),
  );
}

async function compare(history: readonly Operation[]): Promise<void> {
  const dumps = [];
  for (const kind of ["sqlite", "postgres"] as const) {
    const fixture = await fresh(kind);
    const model = new Model();
    for (const op of history) {
      expect({ op, code: await run(fixture, op) }).toEqual({ op, code: model.apply(op) });
    }
    expect(await seen(fixture)).toEqual(expected(model));
    await checkRows(fixture);
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
];

test("one history of everything: live, replayed, on both databases", async () => {
  await compare(EVERYTHING);
}, 60_000);

test("random histories: live, replayed, on both databases", async () => {
  await fc.assert(fc.asyncProperty(operations, compare), { numRuns: 5 });
}, 120_000);

/** Pushes, deletions and rules in any order: answers are those of a model, replay gives the same rows on both databases. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { digestViews } from "../../../core/ledger/mod.ts";
import type { DatabaseKind } from "../../../core/mod.ts";
import { descriptor, digestOf, IMAGE, indexOf } from "../../support/oci_images.ts";
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
  wholeLog,
} from "../../support/registry_fixture.ts";
import { brokenPromises, keptBy } from "./tag_rules_log.ts";

const directory = mkdtempSync(join(tmpdir(), "artifactstore-tag-rules-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(closeFixtures);

const NAMES = ["acme/app", "acme/app/x", "web"] as const;
const TAGS = ["v1", "v2", "latest"] as const;
const MANIFESTS = [1, 2].map((n) => indexOf([descriptor(IMAGE, `nowhere ${n}`)]));
const RULES = [
  { repositories: "acme/*", tags: "v[0-9]*" },
  { repositories: "*", tags: "latest" },
  { repositories: "*/*/*", tags: "*" },
  { repositories: "web", tags: "v2" },
] as const;

type Operation =
  | { readonly do: "push"; readonly repo: number; readonly manifest: number; readonly tags: readonly number[] }
  | { readonly do: "untag"; readonly repo: number; readonly tag: number }
  | { readonly do: "drop"; readonly repo: number }
  | { readonly do: "delete"; readonly repo: number; readonly manifest: number }
  | { readonly do: "rules"; readonly rules: readonly number[]; readonly behind: number };

const below = (n: number) => fc.nat({ max: n - 1 });
const [repo, tag, manifest] = [below(NAMES.length), below(TAGS.length), below(MANIFESTS.length)];
const operations = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("push"), repo, manifest, tags: fc.array(tag, { maxLength: 2 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("untag"), repo, tag }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("delete"), repo, manifest }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("drop"), repo }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("rules"),
        rules: fc.array(below(RULES.length), { maxLength: 3 }),
        behind: fc.nat({ max: 1 }),
      }),
    },
  ),
  { minLength: 20, maxLength: 60, size: "max" },
) as fc.Arbitrary<Operation[]>;

class Model {
  rules: readonly (typeof RULES)[number][] = [];
  revision = 0;
  readonly repositories = new Map<string, { manifests: Set<number>; tags: Map<string, number> }>();

  /** The code of the refusal. */
  apply(op: Operation): string | undefined {
    if (op.do === "rules") {
      const rules = op.rules.map((at) => RULES[at] as (typeof RULES)[number]);
      if (JSON.stringify(rules) === JSON.stringify(this.rules)) return undefined;
      if (op.behind > 0) return "conflict";
      this.rules = rules;
      this.revision++;
      return undefined;
    }
    const name = NAMES[op.repo] as string;
    const kept = (tag: string) => keptBy(this.rules, name, tag);
    const known = this.repositories.get(name);
    if (op.do === "push") {
      const tags = op.tags.map((at) => TAGS[at] as string);
      if (tags.some((tag) => kept(tag) && (known?.tags.get(tag) ?? op.manifest) !== op.manifest))
        return "tag_immutable";
      const there = known ?? { manifests: new Set(), tags: new Map() };
      this.repositories.set(name, there);
      there.manifests.add(op.manifest);
      for (const tag of tags) there.tags.set(tag, op.manifest);
      return undefined;
    }
    if (known === undefined) return "repository_not_found";
    if (op.do === "untag") {
      const tag = TAGS[op.tag] as string;
      if (!known.tags.has(tag)) return "manifest_not_found";
      if (kept(tag)) return "tag_immutable";
      known.tags.delete(tag);
      return undefined;
    }
    if (op.do === "drop") {
      if ([...known.tags.keys()].some(kept)) return "tag_immutable";
      this.repositories.delete(name);
      return undefined;
    }
    if (!known.manifests.has(op.manifest)) return "manifest_not_found";
    const tags = [...known.tags].filter(([, at]) => at === op.manifest).map(([tag]) => tag);
    if (tags.some(kept)) return "tag_immutable";
    known.manifests.delete(op.manifest);
    for (const tag of tags) known.tags.delete(tag);
    return undefined;
  }
}

async function run({ registry: { oci } }: Fixture, op: Operation, { revision }: Model): Promise<string | undefined> {
  if (op.do === "rules") {
    const rules = op.rules.map((at) => RULES[at] as (typeof RULES)[number]);
    // "Behind" is any revision but the one that there is.
    return await codeOf(oci.setTagRules(caller, { rules, reason: "random", expected: revision + op.behind }));
  }
  const repository = NAMES[op.repo] as string;
  if (op.do === "untag") return await codeOf(oci.deleteTag(caller, { repository, tag: TAGS[op.tag] as string }));
  if (op.do === "drop") return await codeOf(oci.deleteRepository(caller, { repository, reason: "random" }));
  const bytes = MANIFESTS[op.manifest] as Uint8Array;
  const digest = digestOf(bytes);
  if (op.do === "delete") return await codeOf(oci.deleteManifest(caller, { repository, digest }));
  const tags = op.tags.map((at) => TAGS[at] as string);
  return await codeOf(oci.pushManifest(caller, { repository, reference: digest, bytes, tags }));
}

async function seen({ registry: { oci } }: Fixture) {
  const found: Record<string, unknown> = {};
  for (const repository of (await oci.listRepositories(caller)).repositories) {
    const tags: Record<string, string> = {};
    for (const tag of (await oci.listTags(caller, { repository })).tags) {
      tags[tag] = (await oci.getManifest(caller, { repository, reference: tag })).digest;
    }
    found[repository] = tags;
  }
  const { revision, rules } = await oci.getTagRules(caller);
  return { found, revision, rules };
}

const expected = ({ repositories, revision, rules }: Model) => ({
  found: Object.fromEntries(
    [...repositories].map(([name, { tags }]) => [
      name,
      Object.fromEntries([...tags].map(([tag, at]) => [tag, digestOf(MANIFESTS[at] as Uint8Array)])),
    ]),
  ),
  revision,
  rules: [...rules],
});

let databases = 0;

async function fresh(kind: DatabaseKind): Promise<Fixture> {
  const url = kind === "postgres" ? await testPostgres() : join(directory, `${databases++}.db`);
  const database = await openTarget({ kind, url }, { max: 4 });
  return await openFixture({ database, clock: settableClock(), ids: countingIds() });
}

const refused: Record<string, number> = {};

async function compare(history: readonly Operation[]): Promise<void> {
  const dumps = [];
  for (const kind of ["sqlite", "postgres"] as const) {
    const fixture = await fresh(kind);
    const model = new Model();
    for (const op of history) {
      const code = await run(fixture, op, model);
      expect({ op, code }).toEqual({ op, code: model.apply(op) });
      if (code !== undefined) refused[code] = (refused[code] ?? 0) + 1;
    }
    expect(await seen(fixture)).toEqual(expected(model));
    expect(brokenPromises(await wholeLog(fixture.registry))).toEqual([]);
    expect((await fixture.registry.checkReplay(caller)).differing).toEqual([]);
    const live = await digestViews(fixture.database.read, hasher);
    await fixture.registry.replay(caller, { holder: "test" });
    expect(await digestViews(fixture.database.read, hasher)).toEqual(live);
    dumps.push(live);
    await fixture.registry.close();
  }
  expect(dumps[0]).toEqual(dumps[1] as never);
}

/** Every operation with every answer. */
const EVERYTHING: readonly Operation[] = [
  { do: "untag", repo: 0, tag: 0 },
  { do: "push", repo: 0, manifest: 0, tags: [0, 2] },
  { do: "push", repo: 0, manifest: 1, tags: [0] },
  { do: "rules", rules: [0], behind: 1 },
  { do: "rules", rules: [0, 1], behind: 0 },
  { do: "rules", rules: [0, 1], behind: 1 },
  { do: "push", repo: 0, manifest: 0, tags: [0] },
  { do: "push", repo: 0, manifest: 1, tags: [0, 1] },
  { do: "untag", repo: 0, tag: 1 },
  { do: "untag", repo: 0, tag: 2 },
  { do: "delete", repo: 0, manifest: 0 },
  { do: "delete", repo: 0, manifest: 1 },
  { do: "drop", repo: 0 },
  { do: "push", repo: 2, manifest: 0, tags: [0] },
  { do: "push", repo: 2, manifest: 1, tags: [0] },
  { do: "delete", repo: 2, manifest: 1 },
  { do: "delete", repo: 2, manifest: 1 },
  { do: "drop", repo: 2 },
  { do: "rules", rules: [2], behind: 0 },
  { do: "untag", repo: 0, tag: 2 },
  { do: "delete", repo: 0, manifest: 0 },
  { do: "delete", repo: 0, manifest: 1 },
  { do: "rules", rules: [], behind: 0 },
];

test("one history of everything: live, replayed, on both databases", async () => {
  await compare(EVERYTHING);
  expect(Object.keys(refused).toSorted()).toEqual([
    "conflict",
    "manifest_not_found",
    "repository_not_found",
    "tag_immutable",
  ]);
}, 300_000);

test("random histories: live, replayed, on both databases", async () => {
  await fc.assert(fc.asyncProperty(operations, compare), { numRuns: 5 });
}, 600_000);

/** Immutable tags: what the rules keep, whatever comes at the same time, and what they leave alone. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createMemoryStorage } from "../../../adapters/storage-memory/mod.ts";
import { MAX_GLOB_BYTES } from "../../../core/base/glob.ts";
import { type Caller, decodeCbor } from "../../../core/mod.ts";
import { descriptor, digestOf, IMAGE, imageOf, indexOf, pushImage } from "../../support/oci_images.ts";
import { forEachDatabase, openTarget } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  type Fixture,
  failureOf,
  openFixture,
  stranger,
  wholeLog,
} from "../../support/registry_fixture.ts";
import { brokenPromises } from "./tag_rules_log.ts";

setDefaultTimeout(120_000);
afterEach(closeFixtures);

const repository = "acme/app";
const RELEASES = { repositories: "acme/*", tags: "v[0-9]*" };
const reason = "releases stay";

function sceneOf(fixture: Fixture) {
  const { registry } = fixture;
  const { oci } = registry;
  return {
    ...fixture,
    oci,
    set: (rules: readonly { repositories: string; tags: string }[], who: Caller = caller) =>
      oci.setTagRules(who, { rules, reason }),
    /** An image of one layer. */
    push: (layer: string, tag: string, name = repository, who: Caller = caller) =>
      pushImage(registry, name, [layer], tag, who),
    digestAt: async (tag: string, name = repository) =>
      (await oci.getManifest(caller, { repository: name, reference: tag })).digest,
    ok: async () => {
      expect((await registry.checkReplay(caller)).differing).toEqual([]);
      expect(brokenPromises(await wholeLog(registry))).toEqual([]);
    },
  };
}

forEachDatabase((_, open) => {
  const scene = async () => sceneOf(await openFixture({ database: await open() }));

  describe("the rules", () => {
    test("are none at first, then those that were set last, and the log says which they replaced", async () => {
      const { registry, oci, set, ok } = await scene();
      const none = { revision: 0, rules: [], reason: null, set_at: null, set_by: null };
      expect(await oci.getTagRules(caller)).toEqual(none);
      const first = await set([RELEASES]);
      expect(first).toMatchObject({ revision: 1, rules: [RELEASES], reason, set_by: "local:tester" });
      expect(await oci.getTagRules(caller)).toEqual(first);
      const emptied = await oci.setTagRules(caller, { rules: [], reason: "moved to the mirror", expected: 1 });
      expect(emptied).toMatchObject({ revision: 2, rules: [], reason: "moved to the mirror" });
      expect(await oci.getTagRules(caller)).toEqual(emptied);
      const events = (await wholeLog(registry)).filter(({ type }) => type === "v1.oci.tag_rules_set");
      expect(events.map(({ subject, payload }) => [subject, decodeCbor(payload as Uint8Array)])).toEqual([
        ["default", { rules: [RELEASES], previous: 0, reason }],
        ["default", { rules: [], previous: 1, reason: "moved to the mirror" }],
      ]);
      await ok();
    });

    test("that are set as they are change nothing, whatever revision was read", async () => {
      const { registry, oci, set } = await scene();
      expect(await set([])).toMatchObject({ revision: 0, set_at: null });
      const first = await set([RELEASES]);
      const head = await registry.ledger.head();
      expect(await oci.setTagRules(caller, { rules: [RELEASES], reason: "again", expected: 0 })).toEqual(first);
      expect(await registry.ledger.head()).toEqual(head);
    });

    test("of one editor are not overwritten by another, who read them before", async () => {
      const { oci, set } = await scene();
      await set([RELEASES]);
      const other = { repositories: "*", tags: "lts" };
      const mine = oci.setTagRules(caller, { rules: [RELEASES, other], reason, expected: 1 });
      const theirs = oci.setTagRules(caller, { rules: [other], reason, expected: 1 });
      const [a, b] = [await failureOf(mine), await failureOf(theirs)];
      expect([a?.code, b?.code].toSorted()).toEqual(["conflict", undefined]);
      expect((a ?? b)?.data).toEqual({ expected: 1, revision: 2 });
      expect((await oci.getTagRules(caller)).revision).toBe(2);
      expect(await codeOf(oci.setTagRules(caller, { rules: [], reason, expected: 0 }))).toBe("conflict");
    });

    test("with a malformed pattern are refused, with the rule, the pattern and the place", async () => {
      const { registry, oci, set } = await scene();
      const head = await registry.ledger.head();
      const wrong = await failureOf(set([RELEASES, { repositories: "acme/[a-", tags: "v*" }]));
      expect([wrong?.code, wrong?.data]).toEqual([
        "invalid_argument",
        { pattern: "acme/[a-", at: 6, rule: 2, field: "repositories" },
      ]);
      expect(wrong?.message).toStartWith('Rule 2, repositories: The pattern "acme/[a-" is malformed at character 6');
      expect((await failureOf(set([{ repositories: "*", tags: "" }])))?.data).toEqual({ rule: 1, field: "tags" });
      const long = "v".repeat(MAX_GLOB_BYTES + 1);
      expect((await failureOf(set([{ repositories: "*", tags: long }])))?.data).toMatchObject({ rule: 1, bytes: 513 });
      expect((await failureOf(set(Array(101).fill(RELEASES))))?.data).toEqual({ limit: 100, rules: 101 });
      expect(await codeOf(oci.setTagRules(caller, { rules: [RELEASES], reason: "" }))).toBe("invalid_argument");
      expect(await registry.ledger.head()).toEqual(head);
      expect((await set(Array(100).fill(RELEASES))).rules).toHaveLength(100);
    });
  });

  describe("an immutable tag", () => {
    test("can be set, and set to what it points at; it cannot move", async () => {
      const { registry, oci, set, push, digestAt, ok } = await scene();
      await set([{ repositories: "other/*", tags: "*" }, RELEASES]);
      const first = await push("one", "v1");
      await push("one", "v1");
      const head = await registry.ledger.head();
      const refusal = await failureOf(
        oci.pushManifest(caller, { repository, reference: "v1", bytes: imageOf(["one"], { annotations: { a: "b" } }) }),
      );
      expect([refusal?.code, refusal?.data]).toEqual([
        "tag_immutable",
        { repository, tag: "v1", rule: { position: 2, ...RELEASES } },
      ]);
      expect(await registry.ledger.head()).toEqual(head);
      expect(await digestAt("v1")).toBe(first.manifest);
      await ok();
    });

    test("among the tags of one push keeps all of it out", async () => {
      const { registry, oci, set, push } = await scene();
      await push("one", "v1");
      await set([RELEASES]);
      const head = await registry.ledger.head();
      const bytes = imageOf(["one"], { annotations: { a: "b" } });
      const input = { repository, reference: digestOf(bytes), bytes, tags: ["latest", "v1", "v2"] };
      expect(await codeOf(oci.pushManifest(caller, input))).toBe("tag_immutable");
      expect(await registry.ledger.head()).toEqual(head);
      await oci.pushManifest(caller, { ...input, tags: ["latest", "v2"] });
    });

    test("cannot be deleted, nor can the manifest that it points at", async () => {
      const { registry, oci, set, push, digestAt, ok } = await scene();
      const { manifest } = await push("one", "v1");
      await oci.pushManifest(caller, { repository, reference: "latest", bytes: imageOf(["one"]) });
      await set([RELEASES]);
      const head = await registry.ledger.head();
      expect(await codeOf(oci.deleteTag(caller, { repository, tag: "v1" }))).toBe("tag_immutable");
      const refusal = await failureOf(oci.deleteManifest(caller, { repository, digest: manifest }));
      expect([refusal?.code, refusal?.data.tag]).toEqual(["tag_immutable", "v1"]);
      expect(await registry.ledger.head()).toEqual(head);
      expect(await digestAt("latest")).toBe(manifest);
      // What is not there is not there, whatever the rules say of its name.
      expect(await codeOf(oci.deleteTag(caller, { repository, tag: "v9" }))).toBe("manifest_not_found");
      await ok();
    });

    test("keeps its repository, and a restore does not move it", async () => {
      const { registry, oci, set, push, digestAt, ok } = await scene();
      await push("one", "v1");
      const past = (await registry.ledger.head()).sequence;
      const { manifest } = await push("two", "v1");
      await push("one", "latest");
      await set([RELEASES]);
      const head = await registry.ledger.head();
      expect(await codeOf(oci.restoreTag(caller, { repository, tag: "v1", asOf: past }))).toBe("tag_immutable");
      for (const dryRun of [true, false]) {
        const refusal = await failureOf(oci.deleteRepository(caller, { repository, reason, dryRun }));
        expect([refusal?.code, refusal?.data.tag]).toEqual(["tag_immutable", "v1"]);
      }
      expect(await registry.ledger.head()).toEqual(head);
      expect(await digestAt("v1")).toBe(manifest);
      // Rules for tags that it has not, and for other repositories, keep nothing.
      await set([
        { ...RELEASES, tags: "v2" },
        { repositories: "other", tags: "*" },
      ]);
      expect((await oci.restoreTag(caller, { repository, tag: "v1", asOf: past })).moved).toBe(true);
      expect((await oci.deleteRepository(caller, { repository, reason })).deleted).toBe(true);
      await ok();
    });

    test("keeps its repository wherever it is among many tags", async () => {
      const { oci, set, push, ok } = await scene();
      const { manifest: reference, bytes } = await push("one", "a");
      for (let from = 0; from < 1200; from += 100) {
        const tags = Array.from({ length: 100 }, (_, i) => `t${from + i}`);
        await oci.pushManifest(caller, { repository, reference, bytes, tags });
      }
      // The last of all pages is the last but one tag in byte order.
      await set([{ repositories: repository, tags: "t999" }]);
      const refusal = await failureOf(oci.deleteRepository(caller, { repository, reason }));
      expect([refusal?.code, refusal?.data.tag]).toEqual(["tag_immutable", "t999"]);
      const gone = { ...caller, signal: AbortSignal.abort() };
      expect(await codeOf(oci.deleteRepository(gone, { repository, reason }))).toBe("cancelled");
      await set([{ repositories: repository, tags: "t1200" }]);
      expect((await oci.deleteRepository(caller, { repository, reason })).tags).toBe(1201);
      await ok();
    });

    test("is free again once the rules no longer have it", async () => {
      const { oci, set, push, digestAt, ok } = await scene();
      await set([RELEASES]);
      const first = await push("one", "v1");
      expect(await codeOf(push("two", "v1"))).toBe("tag_immutable");
      await set([{ ...RELEASES, tags: "v[2-9]*" }]);
      const second = await push("two", "v1");
      expect(await digestAt("v1")).toBe(second.manifest);
      await oci.deleteManifest(caller, { repository, digest: first.manifest });
      await oci.deleteTag(caller, { repository, tag: "v1" });
      await ok();
    });

    test("is one in its repository and tenant only, and other tags are as free as ever", async () => {
      const { oci, set, push, ok } = await scene();
      await set([RELEASES]);
      for (const [name, tag] of [
        ["acme/app", "latest"],
        ["acme/app", "1.0"],
        ["acme/team/app", "v1"],
        ["acme", "v1"],
        ["other/app", "v1"],
      ] as const) {
        await push("one", tag, name);
        const { manifest } = await push("two", tag, name);
        await oci.deleteManifest(caller, { repository: name, digest: manifest });
        expect(await codeOf(oci.deleteTag(caller, { repository: name, tag }))).toBe("manifest_not_found");
      }
      await push("one", "v1", repository, stranger);
      await push("two", "v1", repository, stranger);
      expect((await oci.getTagRules(stranger)).revision).toBe(0);
      await set([], stranger);
      await push("one", "v1");
      expect(await codeOf(push("two", "v1"))).toBe("tag_immutable");
      await ok();
    });
  });

  describe("at the same time", () => {
    test("no tag moves after the rule that keeps it, and nothing is lost of what is said to be done", async () => {
      const { registry, oci, set, ok } = await scene();
      for (const layer of ["one", "two"]) await pushImage(registry, repository, [layer], "base");
      const images = [imageOf(["one"]), imageOf(["two"])] as const;
      for (let round = 0; round < 12; round++) {
        const tag = `v${round}`;
        const move = (bytes: Uint8Array) => codeOf(oci.pushManifest(caller, { repository, reference: tag, bytes }));
        await move(images[0]);
        const done = await Promise.all([
          move(images[1]),
          ...(round % 2 === 0 ? [codeOf(oci.deleteTag(caller, { repository, tag }))] : []),
          codeOf(set([{ repositories: "acme/*", tags: `v${round}` }])),
          codeOf(oci.deleteManifest(caller, { repository, digest: digestOf(images[0]) })),
          ...(round % 3 === 0 ? [codeOf(oci.deleteRepository(caller, { repository, reason }))] : []),
          move(images[0]),
          move(images[1]),
        ]);
        const known = [
          undefined,
          "tag_immutable",
          "manifest_not_found",
          "repository_not_found",
          "manifest_blob_unknown",
        ];
        for (const code of done) expect(known).toContain(code as never);
        for (const layer of ["one", "two"]) await pushImage(registry, repository, [layer], "base");
      }
      await ok();
    });

    test("a tag that comes while its repository is about to go is kept, or goes with it before the rule", async () => {
      const { oci, set, ok } = await scene();
      await set([{ repositories: "*/*", tags: "v*" }]);
      const bytes = indexOf([]);
      const push = (reference: string) => oci.pushManifest(caller, { repository, reference, bytes });
      for (let round = 0; round < 20; round++) {
        await push("free");
        const end = oci.deleteRepository(caller, { repository, reason });
        for (let i = 0; i < round % 10; i++) await Promise.resolve();
        const pushed = push("v1");
        const code = await codeOf(end);
        await pushed;
        expect([undefined, "tag_immutable"]).toContain(code as never);
        // Deleted, it was so without the tag: the push began another one.
        expect((await oci.listTags(caller, { repository })).tags).toEqual(code === undefined ? ["v1"] : ["free", "v1"]);
        await set([]);
        await oci.deleteRepository(caller, { repository, reason });
        await set([{ repositories: "*/*", tags: "v*" }]);
      }
      await ok();
    });

    test("a rule that was answered holds for whoever comes next", async () => {
      const { set, push } = await scene();
      await push("one", "v1");
      const moves: Promise<string | undefined>[] = [];
      await set([RELEASES]).then(() => {
        for (let i = 0; i < 20; i++) moves.push(codeOf(push(`other ${i}`, "v1")));
      });
      expect(new Set(await Promise.all(moves))).toEqual(new Set(["tag_immutable"]));
    });
  });

  describe("a preview", () => {
    test("counts what becomes immutable or free, names some of it, and sets nothing", async () => {
      const { registry, oci, set, push } = await scene();
      for (const tag of ["v1", "v2", "latest"]) await push("one", tag);
      await push("one", "v1", "acme/web");
      await push("one", "v1", "other/app");
      await push("one", "v1", repository, stranger);
      await set([RELEASES]);
      const head = await registry.ledger.head();
      expect(await oci.previewTagRules(caller, { rules: [] })).toEqual({
        revision: 1,
        tags: 5,
        immutable: 3,
        becoming_immutable: { count: 0, examples: [] },
        becoming_free: {
          count: 3,
          examples: [
            { repository: "acme/app", tag: "v1", rule: 1 },
            { repository: "acme/app", tag: "v2", rule: 1 },
            { repository: "acme/web", tag: "v1", rule: 1 },
          ],
        },
      });
      const rules = [
        { repositories: "acme/app", tags: "v1" },
        { repositories: "*/*", tags: "latest" },
        { repositories: "other/*", tags: "*" },
      ];
      expect(await oci.previewTagRules(caller, { rules })).toEqual({
        revision: 1,
        tags: 5,
        immutable: 3,
        becoming_immutable: {
          count: 2,
          examples: [
            { repository: "acme/app", tag: "latest", rule: 2 },
            { repository: "other/app", tag: "v1", rule: 3 },
          ],
        },
        becoming_free: {
          count: 2,
          examples: [
            { repository: "acme/app", tag: "v2", rule: 1 },
            { repository: "acme/web", tag: "v1", rule: 1 },
          ],
        },
      });
      expect(await codeOf(oci.previewTagRules(caller, { rules: [{ repositories: "[", tags: "*" }] }))).toBe(
        "invalid_argument",
      );
      expect(await registry.ledger.head()).toEqual(head);
    });

    test("looks at every tag, in however many pages and repositories", async () => {
      const { oci } = await scene();
      const bytes = indexOf([{ ...descriptor(IMAGE, "nowhere") }]);
      for (const name of ["a", "a/b", "b"]) {
        for (let from = 0; from < 800; from += 100) {
          const tags = Array.from({ length: 100 }, (_, i) => `t${from + i}`);
          await oci.pushManifest(caller, { repository: name, reference: digestOf(bytes), bytes, tags });
        }
      }
      const { tags, becoming_immutable } = await oci.previewTagRules(caller, {
        rules: [{ repositories: "a*", tags: "t[0-9]*" }],
      });
      expect([tags, becoming_immutable.count, becoming_immutable.examples.length]).toEqual([2400, 800, 20]);
      const signal = AbortSignal.abort();
      expect(await codeOf(oci.previewTagRules({ ...caller, signal }, { rules: [] }))).toBe("cancelled");
    });
  });
});

forEachDatabase((_, _open, target) => {
  test("two processes: what one sets, the other keeps", async () => {
    const storage = createMemoryStorage();
    const where = await target();
    const one = sceneOf(await openFixture({ database: await openTarget(where), storage }));
    const two = sceneOf(await openFixture({ database: await openTarget(where), storage }));
    await one.push("one", "v1");
    expect((await two.push("two", "v1")).pushed.tags).toEqual(["v1"]);
    await one.set([RELEASES]);
    expect(await codeOf(two.push("one", "v1"))).toBe("tag_immutable");
    await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const [setter, mover] = i % 2 === 0 ? [one, two] : [two, one];
        await Promise.all([
          codeOf(setter.set(i % 3 === 0 ? [] : [RELEASES, { repositories: "*", tags: `${i}` }])),
          codeOf(mover.push(i % 4 < 2 ? "one" : "two", "v1")),
        ]);
      }),
    );
    await two.ok();
  });
});

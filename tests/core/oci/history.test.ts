/** What tags were: histories, pulls as of then, restoring. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { encodePayload } from "../../../core/events/codec.ts";
import { toHex } from "../../../core/mod.ts";
import { digestOf, imageOf, pushImage, pushText } from "../../support/oci_images.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  openFixture,
  settableClock,
  stranger,
  wholeLog,
} from "../../support/registry_fixture.ts";
import { walkTag } from "./tag_walk.ts";

afterEach(closeFixtures);
setDefaultTimeout(120_000);

const repository = "team/image";
const tag = "latest";
const DAY = 24 * 60 * 60 * 1000;
const iso = (time: number) => new Date(time).toISOString();

test("a tag that is restored says from where; one that is moved is written as ever", () => {
  const payload = { tag: "a", digest: "d", previous: null };
  const event = { type: "v1.oci.tag_moved", subject: "r" } as const;
  expect(toHex(encodePayload({ ...event, payload }))).toBe("a36374616761616664696765737461646870726576696f7573f6");
  expect(toHex(encodePayload({ ...event, payload: { ...payload, restored_from: 7 } }))).toBe(
    "a46374616761616664696765737461646870726576696f7573f66d726573746f7265645f66726f6d07",
  );
});

forEachDatabase((_, open) => {
  const scene = async (more: { historyProtection?: number } = {}) => {
    const clock = settableClock();
    const fixture = await openFixture({ database: await open(), clock, ...more });
    const { registry } = fixture;
    const { oci } = registry;
    const head = async () => (await registry.ledger.head()).sequence;
    const push = async (layer: string, where = repository) => (await pushImage(registry, where, [layer], tag)).manifest;
    const history = async () => (await oci.tagHistory(caller, { repository, tag })).items;
    const pull = (asOf: string | number, reference = tag) => oci.getManifest(caller, { repository, reference, asOf });
    return { ...fixture, clock, oci, head, push, history, pull };
  };

  test("a history tells every move, by whom, when, and until when the old content is protected", async () => {
    const { clock, oci, head, push, history } = await scene({ historyProtection: 14 * DAY });
    const one = await push("one");
    const moved = [await head()];
    clock.time += DAY;
    const two = await push("two");
    moved.push(await head());
    clock.time += DAY;
    await oci.deleteTag(caller, { repository, tag });
    moved.push(await head());
    clock.time += DAY;
    await oci.restoreTag(caller, { repository, tag, asOf: moved[0] as number });
    moved.push(await head());
    const start = clock.time - 3 * DAY;
    const common = { actor: "local:tester", restored_from: null, removed: null, protected_until: null };
    expect(await history()).toEqual([
      {
        ...common,
        ...{ sequence: moved[3] as number, occurred_at: iso(start + 3 * DAY), event: "v1.oci.tag_moved" },
        ...{ digest: one, state: "current", restored_from: moved[0] as number },
      },
      {
        ...common,
        ...{ sequence: moved[2] as number, occurred_at: iso(start + 2 * DAY), event: "v1.oci.tag_deleted" },
        ...{ digest: null, state: "absent" },
      },
      {
        ...common,
        ...{ sequence: moved[1] as number, occurred_at: iso(start + DAY), event: "v1.oci.tag_moved" },
        ...{ digest: two, state: "kept", protected_until: iso(start + 16 * DAY) },
      },
      {
        ...common,
        ...{ sequence: moved[0] as number, occurred_at: iso(start), event: "v1.oci.tag_moved" },
        ...{ digest: one, state: "kept", protected_until: iso(start + 15 * DAY) },
      },
    ]);
    await oci.deleteManifest(caller, { repository, digest: two });
    const removed = { sequence: await head(), occurred_at: iso(clock.time) };
    expect((await history())[2]).toMatchObject({ digest: two, state: "removed", removed, protected_until: null });
    for (const bad of [{ limit: 0 }, { limit: 1001 }, { cursor: "x" }, { cursor: "1" }, { cursor: `${moved[3]}0` }]) {
      expect(await codeOf(oci.tagHistory(caller, { repository, tag, ...bad }))).toBe("invalid_argument");
    }
    expect(await codeOf(oci.tagHistory(caller, { repository, tag: "other" }))).toBe("manifest_not_found");
    expect(await codeOf(oci.tagHistory(caller, { repository: "other", tag }))).toBe("repository_not_found");
    expect(await codeOf(oci.tagHistory(caller, { repository, tag: "-" }))).toBe("invalid_tag");
  });

  test("the name's repositories follow each other in one history, each ended by its deletion", async () => {
    const { oci, head, push, history, pull, clock } = await scene();
    const one = await push("one");
    const first = await head();
    clock.time += 1000;
    await oci.deleteRepository(caller, { repository, reason: "test" });
    const removed = { sequence: await head(), occurred_at: iso(clock.time) };
    expect((await history()).map(({ event, state }) => [event, state])).toEqual([
      ["v1.oci.repository_deleted", "absent"],
      ["v1.oci.tag_moved", "removed"],
    ]);
    const gone = await failureOf(pull(first));
    expect([gone?.code, gone?.data]).toEqual(["content_removed", { repository, digest: one, ...removed }]);
    expect(gone?.message).toContain(`event ${removed.sequence}`);
    expect((await failureOf(oci.restoreTag(caller, { repository, tag, asOf: first })))?.data).toEqual(
      gone?.data as never,
    );
    expect(await codeOf(oci.restoreTag(caller, { repository, tag, asOf: removed.sequence }))).toBe(
      "manifest_not_found",
    );
    const two = await push("two");
    expect((await history()).map(({ digest }) => digest)).toEqual([two, null, one]);
    expect((await failureOf(pull(first)))?.data).toEqual(gone?.data as never);
    expect((await pull(await head())).digest).toBe(two);
    expect(await codeOf(pull(removed.sequence))).toBe("manifest_not_found");
    // The same bytes in the new repository are the same content.
    await oci.deleteTag(caller, { repository, tag });
    await push("one");
    expect((await pull(first)).digest).toBe(one);
    expect((await history()).at(-1)).toMatchObject({ digest: one, state: "kept", removed: null });
  });

  test("an image is restored when it can be pulled whole, and not otherwise", async () => {
    const { registry, oci, head, push, pull } = await scene();
    const one = await push("one");
    const first = await head();
    const two = await push("two");
    await oci.deleteBlob(caller, { repository, digest: digestOf("one") });
    const refusal = await failureOf(oci.restoreTag(caller, { repository, tag, asOf: first }));
    expect([refusal?.code, refusal?.data.missing]).toEqual(["manifest_blob_unknown", [digestOf("one")]]);
    expect((await pull(first)).digest).toBe(one);
    await pushText(registry, repository, "one");
    const restored = { repository, tag, digest: one, restored_from: first };
    expect(await oci.restoreTag(caller, { repository, tag, asOf: first })).toEqual({
      ...{ ...restored, previous: two, moved: true },
    });
    const after = await head();
    expect(await oci.restoreTag(caller, { repository, tag, asOf: first })).toEqual({
      ...{ ...restored, previous: one, moved: false },
    });
    expect(await head()).toBe(after);
    expect((await wholeLog(registry)).at(-1)?.type).toBe("v1.oci.tag_moved");
  });

  test("a point that is none, or has not come yet, is refused; so is a digest", async () => {
    const { oci, head, push, pull, clock } = await scene();
    const digest = await push("one");
    const last = await head();
    for (const bad of [-1, 1.5, last + 1, Number.NaN, "", "yesterday", "2026-02-30T00:00:00Z", iso(clock.time + 1)]) {
      expect(await codeOf(pull(bad))).toBe("invalid_argument");
      expect(await codeOf(oci.restoreTag(caller, { repository, tag, asOf: bad }))).toBe("invalid_argument");
    }
    expect(await codeOf(pull(last, digest))).toBe("invalid_argument");
    expect(await codeOf(pull(0))).toBe("manifest_not_found");
    expect(await codeOf(pull("1970-01-01T00:00:00Z"))).toBe("manifest_not_found");
    expect((await pull(iso(clock.time).replace("Z", "999+00:00"))).digest).toBe(digest);
  });

  test("a time is before the tag's first later event, also where a clock went back", async () => {
    const { clock, push, pull } = await scene();
    const digests = [];
    const start = clock.time;
    for (const [at, layer] of [0, 5000, 2000, 9000].entries()) {
      clock.time = start + layer;
      digests.push(await push(`${at}`));
    }
    const seen = [];
    for (const at of [0, 1999, 2000, 4999, 5000, 8999, 9000]) {
      seen.push(digests.indexOf((await pull(iso(start + at))).digest));
    }
    expect(seen).toEqual([0, 0, 0, 0, 2, 2, 3]);
  });

  test("whoever sees a tenant's feed alone gets sequences of that feed", async () => {
    const { registry, oci } = await scene();
    await pushImage(registry, "other", ["of somebody else"], tag);
    const theirs = await pushImage(registry, repository, ["one"], tag, stranger);
    await pushImage(registry, repository, ["two"], tag, stranger);
    const { events } = await registry.readEvents(stranger, { since: 0, limit: 1000 });
    const moves = events.filter(({ type }) => type === "v1.oci.tag_moved").map(({ sequence }) => sequence);
    expect(moves).toHaveLength(2);
    const page = await oci.tagHistory(stranger, { repository, tag, limit: 1 });
    expect([page.items[0]?.sequence, page.cursor]).toEqual([moves[1] as number, `${moves[1]}`]);
    const { items } = await oci.tagHistory(stranger, { repository, tag, cursor: page.cursor as string });
    expect(items.map(({ sequence }) => sequence)).toEqual([moves[0] as number]);
    const asOf = moves[0] as number;
    expect((await oci.getManifest(stranger, { repository, reference: tag, asOf })).digest).toBe(theirs.manifest);
    const late = (await registry.feedHead(stranger)).sequence + 1;
    expect(await codeOf(oci.getManifest(stranger, { repository, reference: tag, asOf: late }))).toBe(
      "invalid_argument",
    );
    expect((await oci.restoreTag(stranger, { repository, tag, asOf })).restored_from).toBe(asOf);
    await oci.deleteManifest(stranger, { repository, digest: theirs.manifest });
    const { sequence } = await registry.feedHead(stranger);
    expect((await failureOf(oci.restoreTag(stranger, { repository, tag, asOf })))?.data.sequence).toBe(sequence);
    const entries = (await oci.tagHistory(stranger, { repository, tag })).items;
    expect(entries.map((entry) => entry.removed?.sequence ?? null)).toEqual([null, sequence, null, sequence]);
    expect(entries[1]?.restored_from).toBe(asOf);
  });

  test("restoring against pushing and deleting: every move begins where the last one ended, and nothing dangles", async () => {
    const { registry, database, oci, head, push, history } = await scene();
    const one = await push("one");
    const asOf = await head();
    const bytes = imageOf(["one"]);
    for (let round = 0; round < 5; round++) {
      const codes = await Promise.all([
        codeOf(oci.restoreTag(caller, { repository, tag, asOf })),
        push(`other ${round}`).then(() => undefined),
        codeOf(oci.deleteManifest(caller, { repository, digest: one })),
        codeOf(oci.restoreTag(caller, { repository, tag, asOf })),
        codeOf(oci.pushManifest(caller, { repository, reference: one, bytes })),
      ]);
      const known = [["content_removed"], [], ["manifest_not_found"], ["content_removed"], []];
      for (const [i, code] of codes.entries()) expect([undefined, ...(known[i] as string[])]).toContain(code);
    }
    const { changes, broken } = walkTag(await wholeLog(registry), tag);
    expect(broken).toEqual([]);
    expect(changes.length).toBeGreaterThanOrEqual(6);
    expect((await history()).map(({ sequence, digest }) => ({ sequence, digest })).toReversed()).toEqual([...changes]);
    const dangling = await database.read
      .selectFrom("oci_tags as t")
      .leftJoin("oci_manifests as m", (join) =>
        join.onRef("m.repository_id", "=", "t.repository_id").onRef("m.digest", "=", "t.digest"),
      )
      .select("t.tag")
      .where("m.digest", "is", null)
      .execute();
    expect(dangling).toEqual([]);
    expect((await registry.checkReplay(caller)).differing).toEqual([]);
  });
});

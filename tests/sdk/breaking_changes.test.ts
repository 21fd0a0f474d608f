/** A description that breaks clients needs a version that says so. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SNAPSHOT } from "../../scripts/write_openapi.ts";
import { breakingChanges, isNewer, type Node, saysSo } from "./breaking_changes.ts";

const RELEASED = join(import.meta.dir, "../../docs/api/released");

const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as Node & { readonly info: { version: string } };

function lastReleased(): string {
  const versions = readdirSync(RELEASED).flatMap((name) => /^openapi-(.+)\.json$/.exec(name)?.[1] ?? []);
  return versions.reduce((last, version) => (isNewer(version, last) ? version : last));
}

test("docs/api/openapi.json breaks no client of the last release, unless its version says so", () => {
  const version = lastReleased();
  const before = read(join(RELEASED, `openapi-${version}.json`));
  const after = read(SNAPSHOT);
  expect(before.info.version).toBe(version);
  const changes = breakingChanges(before, after);
  if (changes.length === 0 || saysSo(version, after.info.version)) return;
  const advice = `Keep the old form beside the new one, or raise the version in package.json (below 1.0 its second number)`;
  throw new Error(`The description breaks clients of ${version}:\n  ${changes.join("\n  ")}\n${advice}`);
});

/** One operation with one thing in each place. */
const ANSWER = {
  type: "object",
  required: ["id", "state", "note"],
  properties: {
    id: { type: "string" },
    state: { type: "string", enum: ["open", "closed"] },
    note: { type: ["string", "null"] },
    parent: { $ref: "#/components/schemas/Answer" },
    entry: { anyOf: [{ type: "string" }, { type: "integer" }] },
  },
};
const BODY = {
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string", maxLength: 10 },
    size: { type: "number" },
    kind: { type: "string", enum: ["a", "b"] },
    tags: { type: "array", items: { type: "string" } },
  },
};
const BASE = {
  components: { schemas: { Answer: ANSWER } },
  paths: {
    "/things": {
      get: { responses: { 200: { description: "Things" } } },
      post: {
        parameters: [{ in: "query", name: "limit", schema: { type: "integer", maximum: 100 } }],
        requestBody: { content: { "application/json": { schema: BODY } } },
        responses: {
          200: {
            headers: { Location: {} },
            content: { "application/json": { schema: { $ref: "#/components/schemas/Answer" } }, "text/plain": {} },
          },
          404: { description: "No" },
        },
      },
    },
    "/others": { get: { responses: { 204: {} } } },
  },
};
// biome-ignore lint/suspicious/noExplicitAny: each rule reaches into the description where it likes
type Loose = any;
const POST = (d: Loose) => d.paths["/things"].post;
const BODY_OF = (d: Loose) => POST(d).requestBody.content["application/json"].schema;
const ANSWER_OF = (d: Loose) => d.components.schemas.Answer;

function changesOf(change: (description: Loose) => void): string[] {
  const after = structuredClone(BASE);
  change(after);
  return breakingChanges(BASE, after);
}

const BREAKING: readonly (readonly [name: string, change: (d: Loose) => void, said: string])[] = [
  ["a path goes", (d) => delete d.paths["/others"], "/others: removed"],
  ["a method goes", (d) => delete d.paths["/things"].get, "get /things: removed"],
  ["a parameter goes", (d) => POST(d).parameters.pop(), "post /things: the parameter query:limit is gone"],
  [
    "a parameter is new and required",
    (d) => POST(d).parameters.push({ in: "header", name: "X-Key", required: true }),
    "post /things: the parameter header:x-key is required now",
  ],
  [
    "a parameter becomes required",
    (d) => Object.assign(POST(d).parameters[0], { required: true }),
    "post /things: the parameter query:limit is required now",
  ],
  [
    "a limit of a parameter sinks",
    (d) => Object.assign(POST(d).parameters[0].schema, { maximum: 50 }),
    "post /things query:limit: maximum is 50 now",
  ],
  [
    "a body becomes required",
    (d) => Object.assign(POST(d).requestBody, { required: true }),
    "the body is required now",
  ],
  [
    "a form of the body goes",
    (d) => delete POST(d).requestBody.content["application/json"],
    "post /things body: application/json is gone",
  ],
  [
    "a field of the body is new and required",
    (d) => {
      BODY_OF(d).required.push("owner");
      BODY_OF(d).properties.owner = { type: "string" };
    },
    "post /things body .owner: is required now",
  ],
  ["a field of the body becomes required", (d) => BODY_OF(d).required.push("size"), "body .size: is required now"],
  ["a field of the body goes", (d) => delete BODY_OF(d).properties.size, "post /things body .size: removed"],
  [
    "a type of the body narrows",
    (d) => Object.assign(BODY_OF(d).properties.size, { type: "integer" }),
    "post /things body .size: was number, is integer",
  ],
  [
    "a type in a list of the body changes",
    (d) => Object.assign(BODY_OF(d).properties.tags.items, { type: "integer" }),
    "post /things body .tags[]: was string, is integer",
  ],
  [
    "a value that the body takes goes",
    (d) => BODY_OF(d).properties.kind.enum.pop(),
    'body .kind: the value "b" is gone',
  ],
  [
    "a field of the body takes only some values now",
    (d) => Object.assign(BODY_OF(d).properties.name, { enum: ["x"] }),
    "post /things body .name: takes only some values now",
  ],
  [
    "a text of the body must be shorter",
    (d) => Object.assign(BODY_OF(d).properties.name, { maxLength: 9 }),
    "post /things body .name: maxLength is 9 now",
  ],
  [
    "a text of the body must match a pattern",
    (d) => Object.assign(BODY_OF(d).properties.name, { pattern: "^x" }),
    "post /things body .name: pattern is ^x now",
  ],
  [
    "a body refuses what it passed over",
    (d) => Object.assign(BODY_OF(d), { additionalProperties: false }),
    "post /things body: refuses further fields now",
  ],
  ["an answer is no longer given", (d) => delete POST(d).responses[200], "post /things: no longer answers 200"],
  [
    "a form of an answer goes",
    (d) => delete POST(d).responses[200].content["text/plain"],
    "post /things 200: text/plain is gone",
  ],
  ["a header of an answer goes", (d) => delete POST(d).responses[200].headers.Location, "the header Location is gone"],
  ["a field of an answer goes", (d) => delete ANSWER_OF(d).properties.id, "post /things 200 .id: removed"],
  ["a field of an answer may be missing", (d) => ANSWER_OF(d).required.shift(), "200 .id: is no longer always there"],
  [
    "a field of an answer may be null",
    (d) => Object.assign(ANSWER_OF(d).properties.id, { type: ["string", "null"] }),
    "post /things 200 .id: was string, is string|null",
  ],
  [
    "a value in an answer goes",
    (d) => ANSWER_OF(d).properties.state.enum.pop(),
    '200 .state: the value "closed" is gone',
  ],
  [
    "an alternative in an answer is new",
    (d) => ANSWER_OF(d).properties.entry.anyOf.push({ type: "null" }),
    "post /things 200 .entry: has a new alternative",
  ],
  [
    "an alternative goes",
    (d) => ANSWER_OF(d).properties.entry.anyOf.pop(),
    ".entry: an alternative is gone or changed",
  ],
];

describe("a client breaks when", () => {
  test.each(BREAKING)("%s", (_name, change, said) => {
    const changes = changesOf(change);
    expect(changes.length).toBe(1);
    expect(changes[0]).toContain(said);
  });
});

const HARMLESS: readonly (readonly [name: string, change: (d: Loose) => void])[] = [
  ["nothing changes", () => {}],
  ["a path and a method are new", (d) => Object.assign(d.paths, { "/new": { get: {} } })],
  ["a parameter is new and may be left out", (d) => POST(d).parameters.push({ in: "query", name: "x" })],
  ["a field of the body is new and may be left out", (d) => Object.assign(BODY_OF(d).properties, { x: {} })],
  [
    "the body takes more",
    (d) => Object.assign(BODY_OF(d).properties.name, { type: ["string", "null"], maxLength: 11 }),
  ],
  ["the body takes a value more", (d) => BODY_OF(d).properties.kind.enum.push("c")],
  ["an answer has a field more", (d) => Object.assign(ANSWER_OF(d).properties, { x: { type: "string" } })],
  [
    "a field of an answer is never null any more",
    (d) => Object.assign(ANSWER_OF(d).properties.note, { type: "string" }),
  ],
  ["an answer knows a value more", (d) => ANSWER_OF(d).properties.state.enum.push("lost")],
  ["a refusal is new, another gone", (d) => Object.assign(POST(d).responses, { 409: {}, 404: undefined })],
  ["words change", (d) => Object.assign(POST(d), { summary: "Otherwise", description: "said" })],
];

describe("no client breaks when", () => {
  test.each(HARMLESS)("%s", (_name, change) => expect(changesOf(change)).toEqual([]));
});

test("a version says that it breaks by its first number, below 1.0 by its second", () => {
  const said = [
    ["0.1.0", "0.2.0"],
    ["0.9.1", "1.0.0"],
    ["1.4.2", "2.0.0"],
  ] as const;
  const silent = [
    ["0.1.0", "0.1.0"],
    ["0.1.0", "0.1.1"],
    ["1.4.2", "1.5.0"],
    ["1.4.2", "0.5.0"],
  ] as const;
  expect(said.map(([before, after]) => saysSo(before, after))).toEqual([true, true, true]);
  expect(silent.map(([before, after]) => saysSo(before, after))).toEqual([false, false, false, false]);
  expect([isNewer("0.10.0", "0.9.9"), isNewer("0.9.9", "0.10.0"), isNewer("1.0.0", "1.0.0")]).toEqual([
    true,
    false,
    false,
  ]);
});

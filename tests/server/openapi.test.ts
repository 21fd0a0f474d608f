import { expect, describe as group, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, RENEW, SNAPSHOT } from "../../scripts/write_openapi.ts";
import { PATTERN } from "../../server/schemas/tag_rules.ts";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
  readonly schema?: { readonly enum?: unknown; readonly description?: string };
}
interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, { readonly description?: string; readonly content?: object }>>;
}

const text = describe();
const document = JSON.parse(text) as {
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ at: `${method} ${path}`, method, path, operation })),
);

test("docs/api/openapi.json is what the server says today", () => {
  const kept = existsSync(SNAPSHOT) ? readFileSync(SNAPSHOT, "utf8") : "";
  if (kept !== text) console.log(`The description has changed. If that is meant: ${RENEW}`);
  expect(kept === text).toBe(true);
});

group("every operation", () => {
  test("has an id of its own, a summary and a known tag", () => {
    const known = new Set(document.tags.map((tag) => tag.name));
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(ids.filter((id, at) => id === undefined || ids.indexOf(id) !== at)).toEqual([]);
    const bare = operations.filter(
      ({ operation: { summary, tags = [] } }) =>
        summary === undefined || tags.length === 0 || !tags.every((tag) => known.has(tag)),
    );
    expect(bare.map(({ at }) => at)).toEqual([]);
  });

  test("explains its parameters, and every parameter of its path is there", () => {
    const missing: string[] = [];
    for (const { at, path, operation } of operations) {
      const parameters = operation.parameters ?? [];
      for (const { name, description, schema } of parameters) {
        if ((description ?? schema?.description ?? schema?.enum) === undefined) missing.push(`${at} ${name}`);
      }
      for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
        if (!parameters.some((p) => p.in === "path" && p.name === name)) missing.push(`${at} {${name}}`);
      }
    }
    expect(missing).toEqual([]);
  });

  test("says what each status means, and refuses with problems", () => {
    const wrong: string[] = [];
    for (const { at, method, operation } of operations) {
      for (const [status, { description = "", content }] of Object.entries(operation.responses)) {
        if (description === "") wrong.push(`${at} ${status} has no description`);
        const isProblem = content !== undefined && "application/problem+json" in content;
        // Health says what is wrong in its own words.
        const isAnswer = status === "503" && operation.tags?.includes("health") === true;
        if (method !== "head" && Number(status) >= 400 && !isProblem && !isAnswer)
          wrong.push(`${at} ${status} is no problem`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

test("every reference leads somewhere", () => {
  const lost = [...text.matchAll(/"\$ref": "#\/components\/(\w+)\/(\w+)"/g)].filter(
    ([, kind = "", name = ""]) => document.components[kind]?.[name] === undefined,
  );
  expect(lost.map(([reference]) => reference)).toEqual([]);
});

test("the grammar of patterns in tag rules is that of Go, as far as it says", () => {
  const said = new RegExp(PATTERN, "u");
  const lines = readFileSync(join(import.meta.dirname, "../vectors/glob.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .slice(1);
  const vectors = lines.map((line) => JSON.parse(line) as { readonly pattern: string; readonly bad?: boolean });
  const wrong = vectors.filter(({ pattern, bad = false }) => pattern !== "" && said.test(pattern) === bad);
  expect(wrong.map(({ pattern }) => pattern)).toEqual([]);
});

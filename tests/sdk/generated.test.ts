/** sdk/typescript/generated is what the generator makes of docs/api/openapi.json, and nothing else. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GENERATED, generate, RENEW } from "../../scripts/generate_sdk.ts";
import { SNAPSHOT } from "../../scripts/write_openapi.ts";

const base = mkdtempSync(join(tmpdir(), "artifactstore-sdk-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length), readFileSync(path, "utf8")]));
}

function differences(a: Record<string, string>, b: Record<string, string>): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((path) => a[path] !== b[path]);
}

const kept = contents(GENERATED);

test("the client is the one of this description", async () => {
  await generate(join(base, "same"));
  const differing = differences(kept, contents(join(base, "same")));
  if (differing.length > 0) console.log(`The description or the generator has changed. Renew the client: ${RENEW}`);
  expect(differing).toEqual([]);
});

test("another description gives another client", async () => {
  const input = join(base, "openapi.json");
  writeFileSync(input, readFileSync(SNAPSHOT, "utf8").replaceAll('"retention_class"', '"keeping_class"'));
  await generate(join(base, "other"), input);
  expect(differences(kept, contents(join(base, "other")))).toEqual(["/types.gen.ts"]);
});

test("the client imports nothing but itself", () => {
  const foreign = Object.entries(kept).flatMap(([path, text]) =>
    [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)]
      .filter(([, from = ""]) => !/^\.{1,2}\/.*\.ts$/.test(from))
      .map(([, from]) => `${path} ${from}`),
  );
  expect(foreign).toEqual([]);
});

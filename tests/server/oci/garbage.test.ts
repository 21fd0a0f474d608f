/** Requests that nobody means, at random: each gets an answer in the form of the spec, none breaks anything of ours. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { openSqliteDatabase } from "../../../adapters/database-sqlite/mod.ts";
import type { HealthReport, Registry } from "../../../core/mod.ts";
import { createApp } from "../../../server/mod.ts";
import { caller, closeFixtures, openFixture } from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";
import { digestOf, index, manifest, OCI_INDEX, OCI_MANIFEST } from "./content.ts";
import { malformed } from "./form.ts";

const directory = temporaryDirectory("oci-garbage");
let registry: Registry;
let app: ReturnType<typeof createApp>;
const failures: unknown[] = [];
beforeAll(async () => {
  const database = await openSqliteDatabase({ path: `${directory.path}/app.db` });
  ({ registry } = await openFixture({ database }));
  const health = async () => ({}) as HealthReport;
  app = createApp({ registry, authenticate: () => caller, health, onError: (error) => failures.push(error) });
});
afterAll(async () => {
  await closeFixtures();
  directory.remove();
});

const CONTENT = ["", "{}", "hello", manifest("{}"), manifest("hello", ["{}"]), index([manifest("{}")])];
const digest = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...CONTENT).map((content) => digestOf(content)) },
  fc.constantFrom(...CONTENT).map((content) => digestOf(content, "sha512")),
  fc.constantFrom("sha256:", "sha256:zz", "md5:00", "blake3:00", `blake3:${"0".repeat(64)}`, ":", "sha256:%00"),
);
const reference = fc.oneof(digest, fc.constantFrom("latest", "1.0", "_", ".x", "%20", "x".repeat(200), "é"));
const name = fc.constantFrom(
  ...Array<string>(8).fill("a"),
  "a/b",
  "blobs/uploads",
  "A",
  "a%2Fb",
  "",
  "..%2Fa",
  "x".repeat(300),
);
/** Ids of uploads that were begun, so that some requests find one. */
const begun: string[] = ["019374e0-0000-7000-8000-000000000009"];
const id = fc.nat().map((n) => () => begun[n % begun.length] as string);
const path = fc.oneof(
  fc.tuple(name, reference).map(
    ([name, reference]) =>
      () =>
        `/v2/${name}/manifests/${reference}`,
  ),
  fc.tuple(name, reference).map(
    ([name, reference]) =>
      () =>
        `/v2/${name}/blobs/${reference}`,
  ),
  fc.tuple(name, reference).map(
    ([name, reference]) =>
      () =>
        `/v2/${name}/referrers/${reference}`,
  ),
  fc.tuple(name, id).map(
    ([name, id]) =>
      () =>
        `/v2/${name}/blobs/uploads/${id()}`,
  ),
  name.map((name) => () => `/v2/${name}/blobs/uploads/`),
  name.map((name) => () => `/v2/${name}/tags/list`),
  fc.constantFrom("/v2/_catalog", "/v2", "/v2/", "/v2/x", "/v2//").map((path) => () => path),
);
const query = fc.dictionary(
  fc.constantFrom("digest", "mount", "from", "n", "last", "tag", "artifactType", "after", "digest-algorithm", "x"),
  fc.oneof(digest, name, fc.constantFrom("0", "1", "-1", "1e9", "sha512", "\0", "\ud7ff"), fc.string()),
  { maxKeys: 3 },
);
const headers = fc.record(
  {
    "content-type": fc.constantFrom(OCI_MANIFEST, OCI_INDEX, "text/html", "", ";", "application/json; charset=x"),
    "content-range": fc.constantFrom("0-4", "0-1", "5-9", "-", "9-0", "bytes 0-4/5"),
    range: fc.constantFrom("bytes=0-", "bytes=-1", "bytes=9-1", "bytes=99-", "x"),
    "if-none-match": fc.constantFrom("*", '"x"', "x", digestOf("{}")),
    "if-match": fc.constantFrom("*", '"x"'),
    "content-encoding": fc.constantFrom("gzip", "identity"),
    accept: fc.constantFrom("", "*/*", "x"),
  },
  { requiredKeys: [] },
);
const method = fc.constantFrom("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "PROPFIND");
const body = fc.oneof(fc.constantFrom(...CONTENT), fc.string(), fc.json());

test("nearly all of this is there to be asked for", async () => {
  for (const content of CONTENT) {
    const answer = await app.request(`/v2/a/blobs/uploads/?digest=${digestOf(content)}`, {
      method: "POST",
      body: content,
    });
    expect(answer.status).toBe(201);
  }
  for (const content of CONTENT.slice(3)) {
    const headers = { "content-type": JSON.parse(content).mediaType as string };
    const answer = await app.request("/v2/a/manifests/latest", { method: "PUT", headers, body: content });
    expect(answer.status).toBe(201);
  }
});

test("every request gets an answer of the spec, and none is an error of ours", async () => {
  const statuses = new Set<number>();
  const ask = async (method: string, target: string, headers: Record<string, string> = {}, body = "") => {
    const sends = method === "PUT" || method === "POST" || method === "PATCH";
    const bytes = new TextEncoder().encode(body);
    const answer = await app.request(target, {
      method,
      headers: { ...headers, ...(sends && { "content-length": String(bytes.length) }) },
      ...(sends && { body: bytes }),
    });
    const text = await answer.text();
    const upload = answer.headers.get("docker-upload-uuid");
    if (upload !== null && begun.length < 100) begun.push(upload);
    statuses.add(answer.status);
    expect(answer.status).toBeLessThan(500);
    expect(malformed({ status: answer.status, headers: answer.headers, body: text }, method)).toBeUndefined();
    return answer;
  };
  // Two answers that chance meets in some runs only.
  const location = (await ask("POST", "/v2/a/blobs/uploads/")).headers.get("location") as string;
  expect((await ask("GET", location)).status).toBe(204);
  const packed = { "content-type": OCI_MANIFEST, "content-encoding": "gzip" };
  expect((await ask("PUT", "/v2/a/manifests/latest", packed, CONTENT[3])).status).toBe(415);
  await fc.assert(
    fc.asyncProperty(method, path, query, headers, body, async (method, path, query, headers, body) => {
      const search = new URLSearchParams(query as Record<string, string>).toString();
      await ask(method, `${path()}?${search}`, headers, body);
    }),
    { numRuns: 3000 },
  );
  expect(failures).toEqual([]);
  // It was not all refused at the first step.
  expect([...statuses]).toEqual(expect.arrayContaining([200, 202, 204, 400, 404, 405, 415]));
}, 300_000);

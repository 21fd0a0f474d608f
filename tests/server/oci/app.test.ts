/** What a client of a real server cannot bring about, or not soon: time, limits, failures of ours. */
import { afterAll, describe, expect, test } from "bun:test";
import { openSqliteDatabase } from "../../../adapters/database-sqlite/mod.ts";
import { type HealthReport, type Limits, type Registry, RegistryError } from "../../../core/mod.ts";
import { ERROR_ANSWERS } from "../../../server/errors.ts";
import { createApp, type NetworkRules } from "../../../server/mod.ts";
import { OCI_ANSWERS, OCI_CODES, OCI_HTTP_CODES } from "../../../server/oci/errors.ts";
import { caller, closeFixtures, openFixture, settableClock } from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";
import { digestOf, manifest, OCI_MANIFEST } from "./content.ts";

const directory = temporaryDirectory("oci-app");
let databases = 0;
afterAll(async () => {
  await closeFixtures();
  directory.remove();
});

const DAY = 24 * 60 * 60 * 1000;

async function opened(
  options: {
    limits?: Partial<Limits>;
    config?: NetworkRules;
    stopping?: AbortSignal;
    over?: (registry: Registry) => Registry;
  } = {},
) {
  const { limits, config, stopping, over = (registry) => registry } = options;
  const clock = settableClock();
  const database = await openSqliteDatabase({ path: `${directory.path}/${++databases}.db` });
  const { registry } = await openFixture({ database, clock, ...(limits && { limits }) });
  const failures: unknown[] = [];
  const app = createApp({
    registry: over(registry),
    authenticate: () => caller,
    health: async () => ({}) as HealthReport,
    onError: (error) => failures.push(error),
    ...(config && { config }),
    ...(stopping && { stopping }),
  });
  const ask = async (call: string, body?: string, headers: Record<string, string> = {}) => {
    const [method = "", path = ""] = call.split(" ");
    return await app.request(path, { method, headers, ...(body !== undefined && { body }) });
  };
  return { registry, clock, failures, ask };
}

const codesOf = async (response: Response) => {
  const { errors } = (await response.json()) as { errors: { code: string; message: string }[] };
  return [response.status, ...errors.map(({ code }) => code)];
};

describe("uploads", () => {
  test("that nobody goes on with end, and make room for others", async () => {
    // Ten times as many as of files.
    const { ask, clock } = await opened({ limits: { maxOpenUploads: 1 } });
    const begun = await ask("POST /v2/x/blobs/uploads/");
    const path = begun.headers.get("location");
    expect((await ask(`PATCH ${path}`, "hello")).headers.get("range")).toBe("0-4");
    for (let i = 1; i < 10; i++) expect((await ask("POST /v2/x/blobs/uploads/")).status).toBe(202);
    const next = await ask("POST /v2/x/blobs/uploads/");
    expect(next.headers.get("retry-after")).toBe("60");
    expect(await codesOf(next)).toEqual([429, "TOOMANYREQUESTS"]);
    clock.time += 30 * DAY;
    expect((await ask("POST /v2/x/blobs/uploads/")).status).toBe(202);
    expect(await codesOf(await ask(`GET ${path}`))).toEqual([404, "BLOB_UPLOAD_UNKNOWN"]);
    expect(await codesOf(await ask(`PATCH ${path}`, "more"))).toEqual([404, "BLOB_UPLOAD_UNKNOWN"]);
  });
});

describe("HEAD", () => {
  test("opens no bytes", async () => {
    let openings = 0;
    const { ask } = await opened({
      over: (registry) => ({
        ...registry,
        oci: {
          ...registry.oci,
          async findBlob(who, input) {
            const found = await registry.oci.findBlob(who, input);
            return {
              ...found,
              open(options) {
                openings++;
                return found.open(options);
              },
            };
          },
        },
      }),
    });
    const digest = digestOf("hello");
    expect((await ask(`POST /v2/x/blobs/uploads/?digest=${digest}`, "hello")).status).toBe(201);
    const head = await ask(`HEAD /v2/x/blobs/${digest}`);
    expect([head.status, head.headers.get("content-length"), openings]).toEqual([200, "5", 0]);
    expect((await ask(`GET /v2/x/blobs/${digest}`, undefined, { range: "bytes=9-" })).status).toBe(416);
    expect((await ask(`GET /v2/x/blobs/${digest}`, undefined, { "if-none-match": `"${digest}"` })).status).toBe(304);
    expect(openings).toBe(0);
    expect(await (await ask(`GET /v2/x/blobs/${digest}`)).text()).toBe("hello");
    expect(openings).toBe(1);
  });
});

describe("a blob whose bytes are known to be damaged", () => {
  test("is not there for who asks before a push, and there again after it", async () => {
    const { registry, failures, ask } = await opened();
    const digest = digestOf("hello");
    const path = `/v2/x/blobs/${digest}`;
    const push = async () => (await ask(`POST /v2/x/blobs/uploads/?digest=${digest}`, "hello")).status;
    expect([await push(), (await ask(`HEAD ${path}`)).status]).toEqual([201, 200]);
    const { content_address: subject } = await registry.oci.findBlob(caller, { repository: "x", digest });
    const payload = { backend_id: "memory", key: "x", problem: "digest" } as const;
    await registry.ledger.commit(caller, {
      wants: {},
      decide: () => ({ events: [{ type: "v1.object.damage_found", subject, payload }], result: undefined }),
    });
    expect((await ask(`HEAD ${path}`)).status).toBe(404);
    expect(failures).toEqual([]);
    expect(await codesOf(await ask(`GET ${path}`))).toEqual([500, "UNKNOWN"]);
    expect([await push(), (await ask(`HEAD ${path}`)).status]).toEqual([201, 200]);
    expect(await (await ask(`GET ${path}`)).text()).toBe("hello");
  });
});

describe("behind a public name", () => {
  test("every Location is of that name, and so is what it leads to", async () => {
    const { ask } = await opened({ config: { publicUrl: "https://registry.example" } });
    const host = { host: "registry.example" };
    const begun = await ask("POST /v2/x/blobs/uploads/", undefined, host);
    expect(begun.headers.get("location")).toStartWith("https://registry.example/v2/x/blobs/uploads/");
    const digest = digestOf("{}");
    const done = await ask(`POST /v2/x/blobs/uploads/?digest=${digest}`, "{}", host);
    expect(done.headers.get("location")).toBe(`https://registry.example/v2/x/blobs/${digest}`);
    const body = manifest("{}");
    const put = await ask("PUT /v2/x/manifests/latest", body, { ...host, "content-type": OCI_MANIFEST });
    expect(put.headers.get("location")).toBe(`https://registry.example/v2/x/manifests/${digestOf(body)}`);
  });
});

describe("a manifest", () => {
  test("may have 4 MiB, and not a byte more", async () => {
    const { ask } = await opened();
    await ask(`POST /v2/x/blobs/uploads/?digest=${digestOf("{}")}`, "{}");
    const small = manifest("{}", [], { annotations: { long: "" } });
    const sized = (bytes: number) => small.replace('"long": ""', `"long": "${"x".repeat(bytes - small.length)}"`);
    const put = (body: string) => ask("PUT /v2/x/manifests/latest", body, { "content-type": OCI_MANIFEST });
    const limit = 4 * 1024 * 1024;
    expect(sized(limit).length).toBe(limit);
    expect((await put(sized(limit))).status).toBe(201);
    expect(await (await ask("GET /v2/x/manifests/latest")).text()).toBe(sized(limit));
    expect(await codesOf(await put(sized(limit + 1)))).toEqual([413, "SIZE_INVALID"]);
  });
});

describe("refusals", () => {
  test("of a server that is busy say when to come again", async () => {
    const { ask } = await opened({ config: { limits: { maxInFlight: 0 } } });
    const answer = await ask("GET /v2/");
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await codesOf(answer)).toEqual([429, "TOOMANYREQUESTS"]);
  });

  test("of a server that stops, too", async () => {
    const { ask } = await opened({ stopping: AbortSignal.abort() });
    const answer = await ask("GET /v2/x/manifests/latest");
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(await codesOf(answer)).toEqual([503, "UNAVAILABLE"]);
  });

  test("for our own failures tell nothing about us, but to the log", async () => {
    const failure = new RegistryError("storage_failed", "/secret/path: EIO");
    const { ask, failures } = await opened({
      over: (registry) => ({
        ...registry,
        oci: {
          ...registry.oci,
          getManifest: () => Promise.reject(failure),
          listTags: () => Promise.reject(Error("x")),
        },
      }),
    });
    const answer = await ask("GET /v2/x/manifests/latest");
    const body = await answer.text();
    expect([answer.status, body]).toEqual([
      500,
      '{"errors":[{"code":"UNKNOWN","message":"Storage failed","detail":{"code":"storage_failed"}}]}\n',
    ]);
    expect(await codesOf(await ask("GET /v2/x/tags/list"))).toEqual([500, "UNKNOWN"]);
    expect(failures).toEqual([failure, Error("x")]);
  });

  test("of the first four hundreds have no codes but those of the spec", () => {
    const codes: readonly string[] = [...OCI_CODES, "invalid"];
    const foreign = Object.entries(OCI_ANSWERS).filter(([code, { status, code: said }]) => {
      return (status ?? ERROR_ANSWERS[code as keyof typeof ERROR_ANSWERS].status) < 500 && !codes.includes(said);
    });
    expect(foreign).toEqual([]);
    const { stopping, ...http } = OCI_HTTP_CODES;
    expect(Object.values(http).filter((code) => !codes.includes(code))).toEqual([]);
    expect(stopping).toBe("UNAVAILABLE");
  });
});

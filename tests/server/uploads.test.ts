/** `/uploads` after the IETF draft: headers, statuses, problem types. The engine's own tests are in core/. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { openSqliteDatabase } from "../../adapters/database-sqlite/mod.ts";
import { createFsStorage } from "../../adapters/storage-fs/mod.ts";
import { collect, type HealthReport, type Registry } from "../../core/mod.ts";
import { createApp } from "../../server/mod.ts";
import { caller, closeFixtures, hasher, newPackage, openFixture, pattern } from "../support/registry_fixture.ts";
import { temporaryDirectory } from "../support/storage_temporary.ts";
import { type Description, undescribed } from "./http/described.ts";

const directory = temporaryDirectory("uploads-http");
let registry: Registry;
let app: ReturnType<typeof createApp>;
let description: Description;
let storage: ReturnType<typeof createFsStorage>;
beforeAll(async () => {
  const database = await openSqliteDatabase({ path: `${directory.path}/app.db` });
  storage = createFsStorage({ root: `${directory.path}/objects` });
  ({ registry } = await openFixture({ database, storage, limits: { maxObjectBytes: 5_000_000 } }));
  const health = async () => ({}) as HealthReport;
  app = createApp({ registry, authenticate: () => caller, health });
  description = (await (await app.request("/openapi.json")).json()) as Description;
});
afterAll(async () => {
  await closeFixtures();
  directory.remove();
});

/** A call whose answer must be as the description says. */
async function call(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  bytes?: Uint8Array<ArrayBuffer>,
) {
  // A web Request does not make its own Content-Length; servers' requests have one.
  const all = bytes === undefined ? headers : { "content-length": String(bytes.length), ...headers };
  const answer = await app.request(path, { method, headers: all, ...(bytes && { body: bytes }) });
  const body = await answer.text();
  const pathname = new URL(path, "http://localhost").pathname;
  expect(undescribed(description, method, pathname, { status: answer.status, headers: answer.headers, body })).toBe(
    undefined,
  );
  return { status: answer.status, headers: answer.headers, body: body === "" ? undefined : JSON.parse(body) };
}

const PATCH = { "content-type": "application/partial-upload" };
const sf = (bytes: Uint8Array) => `sha-256=:${btoa(String.fromCharCode(...hasher.hash("sha256", bytes)))}:`;

async function target(path = "a/b.bin", more = ""): Promise<string> {
  const { package_id } = await newPackage(registry);
  return `/uploads?package_id=${package_id}&path=${encodeURIComponent(path)}${more}`;
}

async function begin(path?: string, headers: Record<string, string> = {}): Promise<string> {
  const { status, headers: answer } = await call("POST", await target(path), { "upload-complete": "?0", ...headers });
  expect(status).toBe(201);
  return answer.get("location") as string;
}

const patch = (at: string, offset: number, complete: "?0" | "?1", bytes: Uint8Array<ArrayBuffer>, more = {}) =>
  call("PATCH", at, { ...PATCH, "upload-offset": String(offset), "upload-complete": complete, ...more }, bytes);

describe("/uploads", () => {
  test("begins, goes on, tells how far it is, and completes", async () => {
    const bytes = pattern(1_000_000);
    const begun = await call("POST", await target("a/b.bin", "&executable=true&media_type=text/x"), {
      "upload-complete": "?0",
      "upload-length": "1000000",
    });
    expect(begun.status).toBe(201);
    const at = begun.headers.get("location") as string;
    expect(at).toBe(`/uploads/${begun.body.upload_id}`);
    expect(begun.headers.get("upload-limit")).toMatch(/^max-size=5000000, max-age=86[34]\d\d$/);
    expect(begun.headers.get("cache-control")).toBe("no-store");

    const first = await patch(at, 0, "?0", bytes.slice(0, 400_000));
    expect([first.status, first.headers.get("upload-offset"), first.headers.get("upload-complete")]).toEqual([
      204,
      "400000",
      "?0",
    ]);
    const head = await call("HEAD", at);
    expect(head.status).toBe(200);
    expect(head.headers.get("upload-offset")).toBe("400000");
    expect(head.headers.get("upload-length")).toBe("1000000");
    expect(head.headers.get("upload-complete")).toBe("?0");
    expect(head.headers.get("cache-control")).toBe("no-store");

    const last = await patch(at, 400_000, "?1", bytes.slice(400_000), { "repr-digest": sf(bytes) });
    expect([last.status, last.headers.get("upload-complete")]).toEqual([200, "?1"]);
    expect(last.body.entry).toMatchObject({ path: "a/b.bin", size: 1_000_000, executable: true, media_type: "text/x" });
    const { body } = await registry.getFile(caller, { package: last.body.package_id, path: "a/b.bin" });
    expect(await collect(body, 1e7)).toEqual(bytes);
    // The answer is told again, to whatever comes.
    expect((await patch(at, 7, "?0", pattern(3))).body).toEqual(last.body);
    expect((await call("GET", at)).body).toEqual(last.body);
  });

  test("takes a whole file in one request, and an empty one", async () => {
    for (const bytes of [pattern(100_000), new Uint8Array(0)]) {
      const { status, headers, body } = await call("POST", await target(), { "upload-complete": "?1" }, bytes);
      expect([status, headers.get("upload-complete"), body.entry.size]).toEqual([201, "?1", bytes.length]);
    }
  });

  test("answers a wrong offset with 409, the true one and the draft's problem type", async () => {
    const at = await begin();
    await patch(at, 0, "?0", pattern(100));
    const { status, headers, body } = await patch(at, 50, "?0", pattern(100));
    expect([status, headers.get("upload-offset"), headers.get("upload-complete")]).toEqual([409, "100", "?0"]);
    expect(body).toMatchObject({
      type: "https://iana.org/assignments/http-problem-types#mismatching-upload-offset",
      code: "upload_offset_mismatch",
      "expected-offset": 100,
      "provided-offset": 50,
    });
  });

  test("answers lengths that contradict each other with 400, and ends what is too long", async () => {
    const at = await begin("a", { "upload-length": "100" });
    const type = "https://iana.org/assignments/http-problem-types#inconsistent-upload-length";
    expect(await patch(at, 0, "?0", pattern(10), { "upload-length": "99" })).toMatchObject({
      status: 400,
      body: { type },
    });
    expect(await patch(at, 0, "?1", pattern(10))).toMatchObject({ status: 400, body: { type } });
    expect(await patch(at, 0, "?1", pattern(10), { "upload-length": "100" })).toMatchObject({ status: 400 });
    expect((await call("HEAD", at)).headers.get("upload-offset")).toBe("0");
    expect(await patch(at, 0, "?0", pattern(101))).toMatchObject({ status: 400, body: { type } });
    expect((await call("HEAD", at)).status).toBe(404);
  });

  test("refuses what is larger than it may be with 413 and its limit", async () => {
    const tooLong = await call("POST", await target(), { "upload-complete": "?0", "upload-length": "5000001" });
    expect([tooLong.status, tooLong.headers.get("upload-limit")]).toEqual([413, "max-size=5000000"]);
    const at = await begin();
    expect((await patch(at, 0, "?0", pattern(5_000_001))).status).toBe(413);
    expect((await call("HEAD", at)).status).toBe(404);
  });

  test("a digest that does not match ends it for good, a request's digest only that request", async () => {
    const at = await begin("a", { "repr-digest": sf(pattern(1)) });
    expect((await patch(at, 0, "?0", pattern(100), { "content-digest": sf(pattern(99)) })).status).toBe(422);
    expect((await call("HEAD", at)).headers.get("upload-offset")).toBe("0");
    const refused = await patch(at, 0, "?1", pattern(100), { "content-digest": sf(pattern(100)) });
    expect([refused.status, refused.headers.get("upload-complete"), refused.body.code]).toEqual([
      422,
      "?1",
      "digest_mismatch",
    ]);
    expect((await patch(at, 100, "?1", pattern(0))).status).toBe(422);
    expect((await call("GET", at)).body).toMatchObject({ complete: true, refusal: { code: "digest_mismatch" } });
  });

  test("DELETE frees it", async () => {
    const at = await begin();
    await patch(at, 0, "?0", pattern(1_000_000));
    expect((await call("DELETE", at)).status).toBe(204);
    for (const method of ["HEAD", "GET", "DELETE"]) expect((await call(method, at)).status).toBe(404);
    expect((await patch(at, 0, "?0", pattern(1))).status).toBe(404);
  });

  test("what is not well-formed is refused before anything happens", async () => {
    const at = await begin();
    const good = { ...PATCH, "upload-offset": "0", "upload-complete": "?0" };
    for (const [bad, wanted] of [
      [{ "upload-offset": "-1" }, 400],
      [{ "upload-offset": "1e3" }, 400],
      [{ "upload-offset": "" }, 400],
      [{ "upload-complete": "1" }, 400],
      [{ "upload-complete": "true" }, 400],
      [{ "upload-length": "9".repeat(30) }, 400],
      [{ "content-digest": "sha-256=abc" }, 400],
      [{ "content-type": "application/octet-stream" }, 415],
      [{ "content-encoding": "gzip" }, 415],
    ] as const) {
      expect([bad, (await call("PATCH", at, { ...good, ...bad }, pattern(5))).status]).toEqual([bad, wanted]);
    }
    expect((await call("HEAD", at)).headers.get("upload-offset")).toBe("0");
    expect((await call("POST", "/uploads", { "upload-complete": "?0" })).status).toBe(400);
    expect((await call("POST", await target("../x"), { "upload-complete": "?0" })).status).toBe(400);
    expect((await call("POST", await target())).status).toBe(400);
    const nowhere = `/uploads?package_id=${crypto.randomUUID()}&path=x`;
    expect((await call("POST", nowhere, { "upload-complete": "?0" })).status).toBe(404);
    for (const id of ["x", "..%2fx", crypto.randomUUID()])
      expect((await call("GET", `/uploads/${id}`)).status).toBe(404);
  });

  test("a beginning that fails leaves nothing, as nobody was told where it is", async () => {
    const before = await storage.listUploads(Date.now() + 86_400_000);
    const bad = { "upload-complete": "?0", "content-digest": sf(pattern(9)) };
    expect((await call("POST", await target(), bad, pattern(1000))).status).toBe(422);
    expect(await storage.listUploads(Date.now() + 86_400_000)).toEqual(before);
  });

  test("a connection that is cut keeps what arrived, and a newer request ends one that hangs", async () => {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
    try {
      const at = await begin();
      const open = (offset: number, bytes: Uint8Array) => {
        const socket = connect(server.port as number, "127.0.0.1");
        let answer = "";
        socket.on("data", (data) => {
          answer += data.toString();
        });
        socket.on("error", () => {});
        const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(answer)));
        socket.write(
          `PATCH ${at} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/partial-upload\r\nUpload-Offset: ${offset}\r\nUpload-Complete: ?0\r\nContent-Length: 900000\r\n\r\n`,
        );
        socket.write(bytes);
        return { socket, closed };
      };
      const offset = async () => Number((await fetch(`${server.url.origin}${at}`)).headers.get("upload-offset"));
      const staged = async () => (await storage.listUploads(Date.now() + 86_400_000)).at(-1)?.size ?? 0;

      const cut = open(0, pattern(300_000));
      while ((await staged()) < 200_000) await Bun.sleep(5);
      cut.socket.resetAndDestroy();
      while ((await offset()) === 0) await Bun.sleep(5);
      const kept = await offset();
      expect(kept).toBeGreaterThan(0);
      expect(kept).toBeLessThanOrEqual(300_000);

      const hanging = open(kept, pattern(300_000, 2));
      while ((await staged()) < kept + 200_000) await Bun.sleep(5);
      const head = await fetch(`${server.url.origin}${at}`, { method: "HEAD" });
      const told = Number(head.headers.get("upload-offset"));
      expect(told).toBeGreaterThan(kept);
      expect(await hanging.closed).toContain("upload_superseded");
      expect(await offset()).toBe(told);
      expect((await patch(at, told, "?1", pattern(10))).body.entry.size).toBe(told + 10);
    } finally {
      await server.stop(true);
    }
  }, 30_000);
});

/** Each limit of the settings reaches what it limits: the last that is allowed is taken, one more is refused. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { PATIENCE, start, temporary, until } from "../../cli/support.ts";
import { header, member, tar } from "../../support/tar_bytes.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("limit-settings");
const LIMITS = {
  max_object_bytes: "10",
  max_files_per_package: "3",
  max_manifest_bytes: "4KiB",
  max_metadata_bytes: "60",
  max_external_refs: "2",
  max_archive_entries: "3",
  // The smallest that has three members of a block each, and an end of two.
  max_archive_bytes: "2560",
  max_archive_ratio: "1000",
  max_open_uploads: "2",
  max_json_bytes: "600",
};

let url: string;
let server: ReturnType<typeof start>;
beforeAll(async () => {
  const settings = Object.entries(LIMITS).flatMap(([key, value]) => ["--set", `limits.${key}=${value}`]);
  server = start(["serve", "--listen", "127.0.0.1:0", ...settings], { runtime: "bun", data: dir });
  let printed = "";
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of server.stdout) printed += decoder.decode(chunk, { stream: true });
  })();
  url = await until(() => / listens on (\S+)\n/.exec(printed)?.[1]);
});
afterAll(async () => {
  server.kill();
  await server.exited;
});

const JSON_TYPE = { "content-type": "application/json" };
const post = async (path: string, body?: BodyInit, headers: Record<string, string> = {}) => {
  const response = await fetch(url + path, { method: "POST", headers, ...(body === undefined ? {} : { body }) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const create = (over: object) =>
  post("/packages", JSON.stringify({ name: "l", retention_class: "working", ...over }), JSON_TYPE);
const made = async () => (await create({})).body.package_id as string;
const put = async (id: string, path: string, body: string) =>
  (await fetch(`${url}/packages/${id}/files/${path}`, { method: "PUT", body })).status;

/** On the limit, and one beyond it. */
const OVER = { status: 413, code: "limit_exceeded" };
const shown = ({ status, body }: Awaited<ReturnType<typeof post>>) =>
  status < 300 ? status : { status, code: body.code };

describe("limits.", () => {
  test("max_object_bytes", async () => {
    const id = await made();
    expect([await put(id, "a", "x".repeat(10)), await put(id, "b", "x".repeat(11))]).toEqual([201, 413]);
    const upload = (length: number) =>
      post(`/uploads?package_id=${id}&path=u${length}`, "", { "upload-complete": "?0", "upload-length": `${length}` });
    expect(shown(await upload(10))).toBe(201);
    expect(shown(await upload(11))).toEqual(OVER);
  });

  test("max_files_per_package", async () => {
    const id = await made();
    for (const path of ["a", "b", "c", "d"]) expect(await put(id, path, path)).toBe(201);
    expect(shown(await post(`/packages/${id}/finalize`))).toEqual(OVER);
    await fetch(`${url}/packages/${id}/files/d`, { method: "DELETE" });
    expect(shown(await post(`/packages/${id}/finalize`))).toBe(200);
  });

  test("max_manifest_bytes", async () => {
    const id = await made();
    const directory = (path: string, method: "PUT" | "DELETE") =>
      fetch(`${url}/packages/${id}/files/${path}${method === "PUT" ? "?kind=directory" : ""}`, { method });
    for (const letter of ["a", "b"]) {
      const path = Array.from({ length: 8 }, () => letter.repeat(200)).join("/");
      expect((await directory(path, "PUT")).status).toBe(201);
    }
    expect((await directory("c".repeat(250) + `/${"c".repeat(250)}`.repeat(2), "PUT")).status).toBe(201);
    expect(shown(await post(`/packages/${id}/finalize`))).toEqual(OVER);
    await directory("c".repeat(250) + `/${"c".repeat(250)}`.repeat(2), "DELETE");
    expect(shown(await post(`/packages/${id}/finalize`))).toBe(200);
  });

  test("max_metadata_bytes", async () => {
    const of = (bytes: number) => create({ metadata: { a: "x".repeat(bytes - 8) } });
    expect([shown(await of(60)), shown(await of(61))]).toEqual([201, OVER]);
  });

  test("max_external_refs", async () => {
    const of = (count: number) =>
      create({ external_refs: Array.from({ length: count }, (_, i) => ({ system: "s", id: `${i}` })) });
    expect([shown(await of(2)), shown(await of(3))]).toEqual([201, OVER]);
  });

  const names = (count: number) => Array.from({ length: count }, (_, i) => header({ name: `n${i}`, type: "5" }));

  test("max_archive_entries", async () => {
    const send = async (count: number) =>
      post(`/packages/${await made()}/archive`, tar(...names(count)), { "content-type": "application/x-tar" });
    expect([shown(await send(3)), shown(await send(4))]).toEqual([200, OVER]);
  });

  test("max_archive_bytes, compressed or not", async () => {
    const fits = tar(...names(3));
    expect(fits.length).toBe(2560);
    const over = tar(member({ name: "f" }, "x"), ...names(2));
    expect(over.length).toBe(3072);
    const type = { "content-type": "application/x-tar" };
    for (const [bytes, headers] of [
      [fits, type],
      [gzipSync(fits), { ...type, "content-encoding": "gzip" }],
    ] as const)
      expect(shown(await post(`/packages/${await made()}/archive`, bytes, headers))).toBe(200);
    for (const [bytes, headers] of [
      [over, type],
      [gzipSync(over), { ...type, "content-encoding": "gzip" }],
    ] as const)
      expect(shown(await post(`/packages/${await made()}/archive`, bytes, headers))).toEqual(OVER);
  });

  test("max_open_uploads", async () => {
    const mine = (await (await fetch(`${url}/packages?limit=1`)).json()) as { items: { package_id: string }[] };
    expect(mine.items).toHaveLength(1);
    const id = await made();
    const begin = (path: string) => post(`/uploads?package_id=${id}&path=${path}`, "", { "upload-complete": "?0" });
    // One is open since the first of these tests.
    const found = [await begin("one"), await begin("two")].map(shown);
    expect(found).toEqual([201, { status: 429, code: "too_many_uploads" }]);
  });

  test("max_json_bytes", async () => {
    const of = (bytes: number) => {
      const text = JSON.stringify({ name: "l", retention_class: "working" });
      return post("/packages", text + " ".repeat(bytes - text.length), JSON_TYPE);
    };
    expect([shown(await of(600)), shown(await of(601))]).toEqual([201, OVER]);
  });
});

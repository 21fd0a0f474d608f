/** Archives over HTTP, on real servers of each runtime; the commands of docs/guides/archives.md among them. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import type { Problem } from "../../server/mod.ts";
import { pattern, text } from "../support/registry_fixture.ts";
import { member, pax, tar } from "../support/tar_bytes.ts";
import { type Description, undescribed } from "./http/described.ts";
import { RUNTIMES, startServer, type TestServer } from "./http/servers.ts";

setDefaultTimeout(60_000);
const directory = mkdtempSync(join(tmpdir(), "artifact-store-archives-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const TREE = tar(
  member({ name: "./", type: "5" }),
  member({ name: "./bin/", type: "5" }),
  member({ name: "./bin/tool", mode: 0o755 }, "#!"),
  member({ name: "./empty/", type: "5" }),
  pax({ path: `./${"é".repeat(100)}/日本 語.txt` }),
  member({}, pattern(300_000)),
  member({ name: "./link", type: "2", link: "bin/tool" }),
);
const PATHS = ["bin/tool", "empty", "link", `${"é".repeat(100)}/日本 語.txt`];

describe.each(Object.keys(RUNTIMES))("on %s", (runtime) => {
  let server: TestServer;
  let description: Description;
  beforeAll(async () => {
    server = await startServer(RUNTIMES[runtime] as readonly string[]);
    description = (await (await fetch(`${server.url}/openapi.json`)).json()) as Description;
  });
  afterAll(() => server.stop());

  const open = async () => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ name: "team/app", retention_class: "working" });
    const answer = await fetch(`${server.url}/packages`, { method: "POST", headers, body });
    return ((await answer.json()) as { package_id: string }).package_id;
  };
  const post = async (id: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string>) => {
    const path = `/packages/${id}/archive`;
    const answer = await fetch(server.url + path, { method: "POST", headers, body });
    const said = await answer.text();
    expect(
      undescribed(description, "POST", path, { status: answer.status, headers: answer.headers, body: said }),
    ).toBeUndefined();
    return { status: answer.status, json: JSON.parse(said) };
  };
  const paths = async (id: string) => {
    const page = (await (await fetch(`${server.url}/packages/${id}/files`)).json()) as { items: { path: string }[] };
    return page.items.map((entry) => entry.path);
  };
  const bytes = (data: Uint8Array) => new Uint8Array(data);

  test.each<[string, Uint8Array<ArrayBuffer>, Record<string, string>]>([
    ["a tar", TREE, { "content-type": "application/x-tar" }],
    ["gzip by its type", bytes(gzipSync(TREE)), { "content-type": "application/gzip; charset=binary" }],
    ["gzip by its coding", bytes(gzipSync(TREE)), { "content-type": "application/x-tar", "content-encoding": "gzip" }],
    ["zstd by its type", bytes(zstdCompressSync(TREE, checked)), { "content-type": "application/zstd" }],
    [
      "zstd by its coding",
      bytes(zstdCompressSync(TREE)),
      { "content-type": "application/x-tar", "content-encoding": "zstd" },
    ],
  ])("in, as %s", async (_, body, headers) => {
    const id = await open();
    const { status, json } = await post(id, body, headers);
    expect([status, json.added, json.bytes]).toEqual([200, 4, 300_002]);
    expect(json.entries[0]).toEqual({ path: "bin", kind: "directory", outcome: "implied" });
    expect(await paths(id)).toEqual([...PATHS].sort());
    expect(server.leftovers()).toEqual([]);
  });

  test("out, by format or Accept, the same bytes each time, and in again", async () => {
    const id = await open();
    await post(id, TREE, { "content-type": "application/x-tar" });
    const get = (query: string, accept?: string, method = "GET") =>
      fetch(`${server.url}/packages/${id}/archive${query}`, {
        method,
        headers: accept === undefined ? {} : { accept },
      });
    const answer = await get("");
    expect(answer.status).toBe(200);
    const { headers } = answer;
    expect(headers.get("content-type")).toBe("application/x-tar");
    expect(headers.get("content-disposition")).toBe(`attachment; filename="team_app-${id}.tar"`);
    expect(headers.get("vary")).toContain("accept");
    expect(
      undescribed(description, "GET", `/packages/${id}/archive`, { status: 200, headers, body: "" }),
    ).toBeUndefined();
    const first = await answer.bytes();
    expect(await (await get("?format=tar", "application/zip")).bytes()).toEqual(first);
    const zip = await (await get("", "application/zip")).bytes();
    expect(zip.subarray(0, 4)).toEqual(text("PK\u0003\u0004"));
    expect(await (await get("?format=zip")).bytes()).toEqual(zip);
    expect([(await get("", "text/html")).status, (await get("?format=rar")).status]).toEqual([406, 400]);
    const head = await get("?format=zip", undefined, "HEAD");
    expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([200, "application/zip", ""]);

    const again = await open();
    expect((await post(again, new Uint8Array(first), { "content-type": "application/x-tar" })).json.added).toBe(4);
    expect(await (await fetch(`${server.url}/packages/${again}/files`)).json()).toEqual(
      await (await fetch(`${server.url}/packages/${id}/files`)).json(),
    );
  });

  test("what cannot be taken is told, entry by entry, and nothing is added", async () => {
    const id = await open();
    const body = tar(member({ name: "good" }, "x"), member({ name: "../up" }), member({ name: "good" }, "y"));
    const { status, json } = await post(id, body, { "content-type": "application/x-tar" });
    expect([status, json.code, json.data.refused]).toEqual([422, "archive_refused", 2]);
    expect(json.data.entries).toMatchObject([
      { path: "../up", code: "invalid_path" },
      { path: "good", code: "path_exists" },
    ]);
    expect([await paths(id), server.leftovers()]).toEqual([[], []]);
  });

  test.each<[string, Uint8Array, Record<string, string>, number, string]>([
    ["no type", TREE, {}, 415, "unsupported_media_type"],
    ["another type", TREE, { "content-type": "application/zip" }, 415, "unsupported_media_type"],
    [
      "the type of a form",
      TREE,
      { "content-type": "application/x-www-form-urlencoded" },
      415,
      "unsupported_media_type",
    ],
    ["a type that every object has", TREE, { "content-type": "constructor" }, 415, "unsupported_media_type"],
    [
      "another coding",
      TREE,
      { "content-type": "application/x-tar", "content-encoding": "br" },
      415,
      "unsupported_media_type",
    ],
    [
      "compressed twice",
      TREE,
      { "content-type": "application/gzip", "content-encoding": "gzip" },
      415,
      "unsupported_media_type",
    ],
    ["no body", new Uint8Array(0), { "content-type": "application/x-tar" }, 400, "invalid_archive"],
    ["half of it", TREE.subarray(0, 4096), { "content-type": "application/x-tar" }, 400, "invalid_archive"],
    ["not compressed", TREE, { "content-type": "application/gzip" }, 400, "invalid_archive"],
    [
      "half of the gzip",
      gzipSync(TREE).subarray(0, 9000),
      { "content-type": "application/gzip" },
      400,
      "invalid_archive",
    ],
  ])("refused: %s", async (_, body, headers, status, code) => {
    const id = await open();
    // A body that is bytes gets no type of its own.
    const answer = await post(id, bytes(body), headers);
    expect([answer.status, answer.json.code, await paths(id)]).toEqual([status, code, []]);
  });

  test("damaged zstd is refused, and the server lives on", async () => {
    const id = await open();
    const damaged = bytes(zstdCompressSync(TREE, checked));
    damaged[2000] = (damaged[2000] as number) ^ 0xff;
    const type = { "content-type": "application/zstd" };
    const { status, json } = await post(id, damaged, type);
    expect([status, json.code, await paths(id)]).toEqual([400, "invalid_archive", []]);
    expect((await post(id, bytes(zstdCompressSync(TREE, checked)), type)).status).toBe(200);
  });

  test("an unknown package, a finalised one, and a version of one", async () => {
    const type = { "content-type": "application/x-tar" };
    expect((await post("019374e0-0000-7000-8000-000000000009", TREE, type)).status).toBe(404);
    const id = await open();
    await fetch(`${server.url}/packages/${id}/finalize`, { method: "POST" });
    expect((await post(id, TREE, type)).json.code).toBe("package_not_open");
    expect((await fetch(`${server.url}/packages/none@1/archive`)).status).toBe(404);
  });

  test("a connection that breaks in the middle leaves nothing", async () => {
    const id = await open();
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, "127.0.0.1", () => {
        const head = `POST /packages/${id}/archive HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-tar\r\nContent-Length: ${TREE.length}\r\n\r\n`;
        socket.write(Buffer.concat([text(head), TREE.subarray(0, 200_000)]), () =>
          setTimeout(() => socket.resetAndDestroy(), 200),
        );
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve());
    });
    for (let wait = 0; server.leftovers().length > 0 && wait < 100; wait++) await Bun.sleep(50);
    expect([await paths(id), server.leftovers()]).toEqual([[], []]);
  });

  test("damaged content cuts the connection", async () => {
    const id = await open();
    await post(id, tar(member({ name: "a" }, "fine"), member({ name: "b" }, pattern(5_000_000, 77))), {
      "content-type": "application/x-tar",
    });
    const objects = join(server.dir, "objects");
    const [damaged = ""] = readdirSync(objects, { recursive: true, encoding: "utf8" }).filter((name) => {
      const path = join(objects, name);
      return /[0-9a-f]{64}$/.test(name) && Bun.file(path).size === 5_000_000;
    });
    const content = readFileSync(join(objects, damaged));
    content[4_999_999] = (content[4_999_999] as number) ^ 1;
    rmSync(join(objects, damaged));
    writeFileSync(join(objects, damaged), content);
    for (const format of ["tar", "zip"]) {
      const out = join(directory, `${runtime}.${format}`);
      const curl = Bun.spawnSync(["curl", "-sSf", "-o", out, `${server.url}/packages/${id}/archive?format=${format}`]);
      expect(curl.exitCode).not.toBe(0);
      const whole = Bun.spawnSync(format === "tar" ? ["tar", "-tf", out] : ["unzip", "-l", out]);
      expect(whole.exitCode).not.toBe(0);
    }
  });

  test("the commands of the guide do what it says", async () => {
    const guide = readFileSync(new URL("../../docs/guides/archives.md", import.meta.url), "utf8");
    const blocks = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code as string);
    expect(blocks).toHaveLength(3);
    const script = blocks.join("\n").replace(/^SERVER=.*$/m, `SERVER=${server.url}`);
    const cwd = mkdtempSync(join(directory, `guide-${runtime}-`));
    const { exitCode, stdout, stderr } = Bun.spawnSync(["bash", "-euo", "pipefail", "-c", script], { cwd });
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    const [report, problem] = stdout
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(report.entries.map((e: { path: string; outcome: string }) => `${e.outcome} ${e.path}`).sort()).toEqual([
      "added empty",
      "added latest",
      "added logs/run.txt",
      "added rerun",
      "implied logs",
    ]);
    expect((problem as Problem).code).toBe("archive_refused");
    expect(problem.data.entries.map((e: { path: string }) => e.path)).toContain("../escape");
  });
});

/** Uploads over real sockets, where requests meet: what is cut, overtaken, too late or too many. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { join } from "node:path";
import { pattern } from "../../support/registry_fixture.ts";
import { RUNTIMES, startServer, type TestServer } from "./servers.ts";

setDefaultTimeout(60_000);
/** Of `core/content`: more than these may not be open at once. */
const MAX_OPEN = 100;

describe.each(Object.entries(RUNTIMES))("on %s", (_, command) => {
  let server: TestServer;
  let packageId: string;
  beforeAll(async () => {
    server = await startServer(command);
    const made = await fetch(`${server.url}/packages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "uploads", retention_class: "transient" }),
    });
    packageId = ((await made.json()) as { package_id: string }).package_id;
  }, 60_000);
  afterAll(async () => {
    await server.stop();
  });

  const begin = (path: string) =>
    fetch(`${server.url}/uploads?package_id=${packageId}&path=${path}`, {
      method: "POST",
      headers: { "upload-complete": "?0" },
    });
  const begun = async (path: string) => (await begin(path)).headers.get("location") as string;
  const patch = (at: string, offset: number, bytes: Uint8Array<ArrayBuffer>, complete = "?0") =>
    fetch(server.url + at, {
      method: "PATCH",
      headers: {
        "content-type": "application/partial-upload",
        "upload-offset": String(offset),
        "upload-complete": complete,
      },
      body: bytes,
    });
  const offset = async (at: string, method = "GET") =>
    Number((await fetch(server.url + at, { method })).headers.get("upload-offset"));
  const status = async (at: string, method = "GET") => (await fetch(server.url + at, { method })).status;

  /** A request whose body does not end; some of it is on the server's disk when it resolves. */
  async function hanging(at: string, from: number, bytes: Uint8Array) {
    let answer = "";
    const socket = connect(server.port, "127.0.0.1");
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("error", () => {});
    const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(answer)));
    socket.write(
      `PATCH ${at} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/partial-upload\r\nUpload-Offset: ${from}\r\nUpload-Complete: ?0\r\nContent-Length: 90000000\r\n\r\n`,
    );
    socket.write(bytes);
    while (server.leftovers().length === 0) await Bun.sleep(5);
    const heard = async (part: string) => {
      while (!answer.includes(part)) await Bun.sleep(5);
      return answer;
    };
    return { socket, closed, heard };
  }

  test("a connection that is cut keeps what arrived, and the rest goes on from there", async () => {
    const bytes = pattern(700_000);
    const at = await begun("cut");
    const { socket, closed } = await hanging(at, 0, bytes.subarray(0, 500_000));
    socket.resetAndDestroy();
    await closed;
    while ((await offset(at)) === 0) await Bun.sleep(5);
    const kept = await offset(at, "HEAD");
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(500_000);
    const early = await patch(at, kept + 1, bytes.slice(kept + 1), "?1");
    expect([early.status, early.headers.get("upload-offset")]).toEqual([409, String(kept)]);
    const last = await patch(at, kept, bytes.slice(kept), "?1");
    expect([last.status, last.headers.get("upload-complete")]).toEqual([200, "?1"]);
    expect(await (await fetch(`${server.url}/packages/${packageId}/files/cut`)).bytes()).toEqual(bytes);
  });

  for (const method of ["HEAD", "PATCH"] as const) {
    test(`a ${method} ends the request that is under way, which is told so with 409`, async () => {
      const at = await begun(`overtaken-${method}`);
      const first = await hanging(at, 0, pattern(300_000));
      if (method === "HEAD") {
        const told = await offset(at, "HEAD");
        expect(await first.heard('"code":"upload_superseded"')).toStartWith("HTTP/1.1 409 ");
        // What HEAD told is the last word.
        expect(await offset(at)).toBe(told);
        expect((await patch(at, told, pattern(5), "?1")).status).toBe(200);
      } else {
        // At the wrong place, as its client cannot know: it takes the upload over all the same, and is told where to go on.
        const second = await patch(at, 1_000_000, pattern(5));
        await first.heard('"code":"upload_superseded"');
        expect(second.status).toBe(409);
        const told = Number(second.headers.get("upload-offset"));
        expect(await offset(at)).toBe(told);
        expect((await patch(at, told, pattern(5), "?1")).status).toBe(200);
      }
    });
  }

  test("one that has expired is gone, its last request too, and its bytes are freed", async () => {
    const at = await begun("late");
    await patch(at, 0, pattern(100_000));
    expect(server.leftovers()).not.toEqual([]);
    const database = new Database(join(server.dir, "artifact-store.db"));
    database.run("pragma busy_timeout = 10000");
    database.run("update upload_sessions set expires_at = '2000-01-01T00:00:00.000Z' where upload_id = ?", [
      at.split("/").at(-1) as string,
    ]);
    database.close();
    for (const method of ["HEAD", "GET", "DELETE"]) expect([method, await status(at, method)]).toEqual([method, 404]);
    const refused = await patch(at, 100_000, pattern(5), "?1");
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([404, "upload_not_found"]);
    // Whoever begins another one clears away.
    await fetch(server.url + (await begun("next")), { method: "DELETE" });
    while (server.leftovers().length > 0) await Bun.sleep(10);
    expect(await status(`/packages/${packageId}/files/late`)).toBe(404);
  });

  test(`beyond ${MAX_OPEN} open ones the next is refused, until one of them ends`, async () => {
    const open: string[] = [];
    for (let at = 0; at < MAX_OPEN; at++) open.push(await begun(`many/${at}`));
    const refused = await begin("many/more");
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([429, "too_many_uploads"]);
    expect(await status(open.pop() as string, "DELETE")).toBe(204);
    const more = await begin("many/more");
    expect(more.status).toBe(201);
    for (const at of [...open, more.headers.get("location") as string]) expect(await status(at, "DELETE")).toBe(204);
    expect(server.leftovers()).toEqual([]);
  });
});

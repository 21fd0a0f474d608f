/** Blobs of many chunks, several at once, over memory that is used again; and senders that are gone in the middle. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { pattern } from "../../support/registry_fixture.ts";
import { RUNTIMES, startServer, type TestServer } from "../http/servers.ts";
import { digestOf } from "./content.ts";

const MIB = 1024 * 1024;

describe.each(Object.entries(RUNTIMES))("on %s", (_, command) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(command);
  }, 60_000);
  afterAll(async () => {
    await server.stop();
  });

  const send = async (method: string, path: string, body?: Uint8Array<ArrayBuffer>, headers = {}) => {
    const answer = await fetch(`${server.url}${path}`, { method, headers, ...(body && { body }) });
    await answer.bytes();
    return answer;
  };
  const begin = async () => (await send("POST", "/v2/big/blobs/uploads/")).headers.get("location") as string;
  const pulled = async (digest: string, range?: string) => {
    const headers: Record<string, string> = range === undefined ? {} : { range };
    const answer = await fetch(`${server.url}/v2/big/blobs/${digest}`, { headers });
    const bytes = await answer.bytes();
    expect([answer.status, answer.headers.get("content-length")]).toEqual([
      range === undefined ? 200 : 206,
      String(bytes.length),
    ]);
    return bytes;
  };

  test("many blobs in every form of upload at once come back as they were, whole and in parts", async () => {
    const blobs = Array.from({ length: 6 }, (_, i) => pattern(5 * MIB + 4321 * i, i + 1));
    const whole = async (blob: Uint8Array<ArrayBuffer>) =>
      (await send("POST", `/v2/big/blobs/uploads/?digest=${digestOf(blob)}`, blob)).status;
    const inChunks = async (blob: Uint8Array<ArrayBuffer>) => {
      const path = await begin();
      const size = 2 * MIB;
      for (let at = 0; at < blob.length; at += size) {
        const part = blob.slice(at, at + size);
        const last = at + part.length - 1;
        const { status, headers } = await send("PATCH", path, part, { "content-range": `${at}-${last}` });
        expect([status, headers.get("range")]).toEqual([202, `0-${last}`]);
      }
      return (await send("PUT", `${path}?digest=${digestOf(blob)}`)).status;
    };
    const late = async (blob: Uint8Array<ArrayBuffer>) => {
      const path = await begin();
      await send("PATCH", path, blob.slice(0, MIB));
      return (await send("PUT", `${path}?digest=${digestOf(blob, "sha512")}`, blob.slice(MIB))).status;
    };
    const ways = [whole, inChunks, late];
    const statuses = await Promise.all(blobs.map((blob, i) => (ways[i % 3] as typeof whole)(blob)));
    expect(statuses).toEqual(Array(6).fill(201));
    await Promise.all(
      blobs.map(async (blob) => {
        const digest = digestOf(blob);
        expect(digestOf(await pulled(digest))).toBe(digest);
        const part = await pulled(digest, `bytes=${MIB - 5}-${3 * MIB}`);
        expect(Buffer.compare(part, blob.subarray(MIB - 5, 3 * MIB + 1))).toBe(0);
      }),
    );
    expect(server.leftovers()).toEqual([]);
  }, 60_000);

  /** Sends the head and a part of what it says, and is gone. */
  async function cut(head: string, part: Uint8Array, gone: () => boolean | Promise<boolean>): Promise<void> {
    const socket = connect(server.port, "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    socket.resume();
    socket.write(`${head} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n`);
    socket.write(part);
    while (!(await gone())) await Bun.sleep(10);
    socket.resetAndDestroy();
    await closed;
  }

  test("an upload whose sender was cut goes on behind what has arrived", async () => {
    const blob = pattern(3 * MIB, 77);
    const path = await begin();
    await send("PATCH", path, blob.slice(0, MIB));
    // Some of it has to be there: what the server only hears of after the question below would come after the answer.
    await cut(`PATCH ${path}`, blob.subarray(MIB, 2 * MIB), () => server.stagedBytes() > MIB);
    const status = await send("GET", path);
    const [, last = ""] = /^0-(\d+)$/.exec(status.headers.get("range") ?? "") ?? [];
    const at = Number(last) + 1;
    expect(at).toBeWithin(MIB, 2 * MIB + 1);
    const rest = { "content-range": `${at}-${blob.length - 1}` };
    const done = await send("PUT", `${path}?digest=${digestOf(blob)}`, blob.slice(at), rest);
    expect([done.status, done.headers.get("docker-content-digest")]).toEqual([201, digestOf(blob)]);
    expect(digestOf(await pulled(digestOf(blob)))).toBe(digestOf(blob));
    while (server.leftovers().length > 0) await Bun.sleep(10);
  }, 60_000);

  test("a whole blob whose sender was cut leaves nothing", async () => {
    const digest = digestOf("whatever it would have been");
    const head = `POST /v2/cut/blobs/uploads/?digest=${digest}`;
    await cut(head, pattern(300_000), () => server.leftovers().length > 0);
    while (server.leftovers().length > 0) await Bun.sleep(10);
    expect((await send("HEAD", `/v2/cut/blobs/${digest}`)).status).toBe(404);
    expect((await send("GET", "/v2/cut/tags/list")).status).toBe(404);
  }, 60_000);
});

/** The client on each runtime, against a server on the same one: what a caller sees. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { RUNTIMES, startServer, type TestServer } from "../server/http/servers.ts";
import { cuttingProxy } from "./cutting_proxy.ts";

setDefaultTimeout(120_000);

describe.each(Object.entries(RUNTIMES))("on %s", (_name, command) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(command);
  });
  afterAll(() => server.stop());

  /** What the client reports of a scenario. */
  async function run(scenario: string, url = server.url, direct = url): Promise<Record<string, unknown>> {
    const child = Bun.spawn([...command, join(import.meta.dir, "client_child.ts"), scenario, url, direct], {
      stdout: "pipe",
      stderr: "inherit",
      env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" },
    });
    const said = await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
    return JSON.parse(said);
  }

  test("a package is made from streams, listed by pages, and read back, whole and in part", async () => {
    const seen = await run("packages");
    expect(seen).toMatchObject({
      state: "finalized",
      entry: {
        path: "dir/ü %.bin",
        size: 3_000_000,
        media_type: "application/x-thing",
        digests: { sha256: seen.sha256 },
      },
      progress: [30, 3_000_000],
      paths: ["dir/ü %.bin", "empty", "run.sh"],
      pages: 2,
      whole: { same: true, length: 3_000_000, size: 3_000_000, mediaType: "application/x-thing" },
      digests: { "sha-256": seen.sha256 },
      part: { same: true, length: 1000, size: 3_000_000 },
      empty: 0,
    });
    expect(seen.digests).toHaveProperty("blake3", (seen.entry as { content_address: string }).content_address.slice(7));
  });

  test("a refusal is an ApiError with its code, and what the source did is thrown as it is", async () => {
    const requestId = "sdk-test";
    expect(await run("errors")).toMatchObject({
      missing: { code: "package_not_found", status: 404, explained: true, requestId },
      head: { code: "http_404", status: 404, explained: false, requestId },
      exists: { code: "path_exists", status: 409, explained: true, requestId },
      digest: { code: "digest_mismatch", status: 422, data: expect.anything(), requestId },
      short: "RangeError: The source has only 5 bytes, and 6 were announced",
      long: "RangeError: The source has at least 7 bytes, and 6 were announced",
      broken: "Error: the disk is gone",
      refusedInTheEnd: { code: "digest_mismatch", status: 422 },
      refusedLate: { code: "digest_mismatch", status: 422 },
      noDigest: "Error: it changed",
      noUrl: expect.stringMatching(/^TypeError: /),
      nobody: "string",
      kept: ["a"],
    });
  });

  test("events are followed as they come, behind a filter too, until the caller has enough", async () => {
    const seen = { gaps: 0, subjects: true, finalized: ["v1.package.finalized", true], stopped: "Error: enough" };
    expect(await run("events")).toEqual(seen);
  });

  test("the feed goes on over connections that break, and gives up after as many as it was told", async () => {
    const proxy = await cuttingProxy(server.port, [1, 1]);
    try {
      expect(await run("cutEvents", proxy.url, server.url)).toEqual({ same: true, some: true, given: "string" });
      expect(proxy.cuts).toBe(2);
    } finally {
      await proxy.stop();
    }
  });

  test("an upload whose connection is cut twice ends with the right digest", async () => {
    // In the middle of the first part, and of what is left of it or the next one.
    const proxy = await cuttingProxy(server.port, [3_000_000, 1_500_000]);
    try {
      const end = 12_000_000;
      expect(await run("resume", proxy.url)).toEqual({
        same: true,
        sha256: true,
        mediaType: "x/y",
        begun: 1,
        rising: true,
        end,
      });
      expect(proxy.cuts).toBe(2);
    } finally {
      await proxy.stop();
    }
  });

  test("an upload that was given up goes on later, and its final answer can be had again", async () => {
    const given = "Error: the process ends";
    expect(await run("later")).toEqual({ given, from: true, again: true, sha256: true });
  });
});

/** The console is embedded, current, and needs nobody but this server. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { ASSETS } from "../../server/console/assets.gen.ts";
import { RUNTIMES, startServer, type TestServer } from "./http/servers.ts";

const DIST = join(import.meta.dirname, "../../node_modules/swagger-ui-dist");

test("what is embedded is swagger-ui-dist as installed, but for its source maps (bun scripts/build_console.ts)", () => {
  const withoutMap = (content: Buffer) =>
    content.toString("latin1").replace(/\n?(\/\/|\/\*)# sourceMappingURL=.*\s*$/, "");
  for (const [name, asset] of Object.entries(ASSETS)) {
    const bytes = gunzipSync(Buffer.from(asset.gzip, "base64"));
    expect(bytes.length).toBe(asset.size);
    expect(createHash("sha256").update(bytes).digest("hex").slice(0, 16)).toBe(asset.hash);
    expect(bytes.includes("sourceMappingURL")).toBe(false);
    const installed = readFileSync(join(DIST, name));
    const same = name.endsWith(".js") || name.endsWith(".css") ? withoutMap(installed) : installed.toString("latin1");
    expect(bytes.toString("latin1").trimEnd() === same.trimEnd()).toBe(true);
  }
});

describe.each(Object.entries(RUNTIMES))("on %s", (_, command) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(command);
  }, 60_000);
  afterAll(async () => {
    await server.stop();
  });

  test("the page loads files of this server only, and its policy allows no others and nothing inline", async () => {
    const response = await fetch(`${server.url}/docs`);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain("unsafe");
    const html = await response.text();
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|https?:\/\//);
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = ""]) => link);
    expect(links.length).toBe(5);
    for (const link of links) {
      const asset = await fetch(new URL(link, `${server.url}/docs`));
      expect([link, asset.status]).toEqual([link, 200]);
      const [, hash, name = ""] = link.split("/");
      if (hash === undefined || name === "") continue;
      expect(asset.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect((await asset.arrayBuffer()).byteLength).toBe(ASSETS[name]?.size as number);
    }
  });

  test("a client without gzip gets the bytes plain; other names are not found", async () => {
    const { hash, size } = ASSETS["swagger-ui.css"] as (typeof ASSETS)[string];
    const plain = await fetch(`${server.url}/docs/${hash}/swagger-ui.css`, {
      headers: { "accept-encoding": "identity" },
    });
    expect([plain.headers.get("content-encoding"), (await plain.arrayBuffer()).byteLength]).toEqual([null, size]);
    for (const path of [`${hash}/swagger-ui.js`, "0000/swagger-ui.css", `${hash}/toString`]) {
      expect((await fetch(`${server.url}/docs/${path}`)).status).toBe(404);
    }
    expect((await fetch(`${server.url}/docs/`)).url).toBe(`${server.url}/docs`);
  });
});

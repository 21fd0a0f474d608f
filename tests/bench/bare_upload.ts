/**
 * The yardstick for uploads and downloads: a bare Bun handler that hashes twice, syncs, renames, and serves the file. No
 * database, no names, no checks.
 *
 *   bun tests/bench/bare_upload.ts DIRECTORY        prints its URL, serves PUT and GET /<name>
 */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { Blake3Hasher } from "@napi-rs/blake-hash";

const directory = process.argv[2] ?? "";
mkdirSync(directory, { recursive: true });
let uploads = 0;

async function put(request: Request, path: string): Promise<Response> {
  const temporary = `${path}.${uploads++}`;
  const file = await open(temporary, "wx");
  const blake3 = new Blake3Hasher();
  const sha256 = createHash("sha256");
  let writing: Promise<unknown> | undefined;
  for await (const chunk of request.body ?? []) {
    await writing;
    writing = file.write(chunk);
    blake3.update(chunk);
    sha256.update(chunk);
  }
  await writing;
  await file.sync();
  await file.close();
  await rename(temporary, path);
  const parent = await open(directory, "r");
  await parent.sync();
  await parent.close();
  return Response.json({ blake3: blake3.digest(), sha256: sha256.digest("hex") });
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  fetch(request) {
    const path = join(directory, basename(new URL(request.url).pathname));
    return request.method === "PUT" ? put(request, path) : new Response(Bun.file(path));
  },
});
console.log(server.url.href);

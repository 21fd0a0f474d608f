/** Directories as they come, with everything that a name or a kind of file can do to a program. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";

/** As many bytes as asked for, the same for the same seed. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export function put(root: string, path: string, content: string | Uint8Array = path): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  return full;
}

export const AWKWARD_FILES: readonly string[] = [
  "plain.txt",
  "with space/ a  b .txt",
  "ünïcödé/naïve.txt",
  "decomposed/e\u0301.txt",
  "-rf",
  "--help/-x",
  "--",
  "new\nline\ttab",
  "quote'\"\\$`*?[{~#!;|&<>",
  "emoji😀/日本/語",
  ".hidden/..x",
  "...",
  "\u202edesrever",
  "replacement-\ufffd",
  "n".repeat(255),
  `${"é".repeat(127)}x`,
  `${"deep/".repeat(60)}leaf`,
  "CON",
  "percent%2f%00",
  "back\\slash",
];

/** Everything in it can be kept. */
export function awkwardTree(root: string): void {
  for (const path of AWKWARD_FILES) put(root, path);
  put(root, "empty", "");
  put(root, "dup/one", noise(100_000));
  put(root, "dup/two", noise(100_000));
  put(root, "big.bin", noise(5 * 2 ** 20 + 7, 2));
  put(root, "exactly-one-chunk", noise(2 ** 20, 3));
  put(root, "exactly-64k", noise(2 ** 16, 4));
  put(root, "one-more-than-64k", noise(2 ** 16 + 1, 5));
  chmodSync(put(root, "bin/tool", "#!/bin/sh\n"), 0o755);
  chmodSync(put(root, "bin/group-only", "x"), 0o654);
  chmodSync(put(root, "bin/owner-only", "x"), 0o700);
  mkdirSync(join(root, "empty-directory/inner with space"), { recursive: true });
  symlinkSync("plain.txt", join(root, "link"));
  symlinkSync("../plain.txt", join(root, "bin/up"));
  symlinkSync("./dup//one", join(root, "roundabout"));
  symlinkSync("empty-directory", join(root, "to-a-directory"));
  symlinkSync("missing", join(root, "dangling"));
  symlinkSync("self", join(root, "self"));
}

/** Links that lead out, a pipe and a socket: reported, left out. */
export async function specialTree(root: string): Promise<{ close(): void }> {
  put(root, "kept", "kept");
  symlinkSync("/etc/passwd", join(root, "absolute"));
  symlinkSync("../outside", join(root, "out"));
  symlinkSync("sub/../../outside", join(root, "sneaky"));
  Bun.spawnSync(["mkfifo", join(root, "pipe")]);
  const server = createServer();
  await new Promise<void>((done) => server.listen(join(root, "socket"), done));
  return { close: () => void server.close() };
}

/** Bytes that are no UTF-8, in names of files and of directories, and in the target of a link. */
export function notUtf8(root: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(join(root, name)), Buffer.from([0xff, 0xfe])]);
}

/**
 * What becomes of frames, on whatever runtime runs this file: `zstd_smoke.ts FILE [reference]`. The file has each behind
 * its length (4 bytes, little-endian). Prints one line of JSON. With `reference`, frames are decoded by one call of
 * Node's zlib, which knows nothing of our code.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";
import { constants, zstdDecompressSync } from "node:zlib";
import { zstdDecompressor } from "../../adapters/zstd/mod.ts";
import { concatBytes } from "../../core/base/bytes.ts";
import type { Decompressor } from "../../core/mod.ts";

export interface Report {
  /** `LENGTH:SHA256` of what came out, or `refused`. */
  readonly verdicts: readonly string[];
  /** The first frame again, from a source that fails: the source's words. */
  readonly failure?: string;
  /** 20 GiB of zeros in 40 pieces, of which the first bytes are read: pieces given, and whether the source was closed. */
  readonly bomb?: { readonly given: number; readonly closed: boolean };
}

const [path, mode] = process.argv.slice(2) as [string, string?];
const file = readFileSync(path);
const frames: Uint8Array[] = [];
for (let at = 0; at < file.length; at += 4 + file.readUInt32LE(at)) {
  frames.push(new Uint8Array(file.subarray(at + 4, at + 4 + file.readUInt32LE(at))));
}

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

async function decoded(decompress: Decompressor, source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const out: Uint8Array[] = [];
  for await (const chunk of decompress(source)) out.push(chunk.slice());
  return concatBytes(out);
}

async function verdict(decode: () => Uint8Array | Promise<Uint8Array>): Promise<string> {
  try {
    const bytes = await decode();
    return `${bytes.length}:${createHash("sha256").update(bytes).digest("hex")}`;
  } catch {
    return "refused";
  }
}

async function ours(decompress: Decompressor): Promise<Report> {
  const verdicts: string[] = [];
  for (const [i, frame] of frames.entries()) {
    // Pieces that end anywhere: in headers, in blocks, at their ends.
    const size = [16_384, 1, 7, 1000][i % 4] as number;
    verdicts.push(await verdict(() => decoded(decompress, pieces(frame, frame.length > 10_000 ? 16_384 : size))));
  }
  return { verdicts, failure: await sourceFails(decompress), bomb: await bomb(decompress) };
}

async function sourceFails(decompress: Decompressor): Promise<string> {
  async function* failing() {
    yield (frames[0] as Uint8Array).subarray(0, 20);
    throw new Error("the source's own words");
  }
  try {
    await decoded(decompress, failing());
    return "none";
  } catch (error) {
    return (error as Error).message;
  }
}

async function bomb(decompress: Decompressor): Promise<NonNullable<Report["bomb"]>> {
  const seen = { given: 0, closed: false };
  async function* source() {
    try {
      yield Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x58);
      // Each of 128 KiB.
      const blocks = concatBytes(Array.from({ length: 4096 }, () => Uint8Array.of(2, 0, 0x10, 0)));
      for (; seen.given < 40; seen.given++) yield blocks;
      yield Uint8Array.of(1, 0, 0);
    } finally {
      seen.closed = true;
    }
  }
  for await (const chunk of decompress(source())) if (chunk.length > 0) break;
  // Behind a pipeline the source hears of it a little later.
  for (let waited = 0; !seen.closed && waited < 10_000; waited += 10) await new Promise((done) => setTimeout(done, 10));
  return seen;
}

/** Node stops at the end of a frame, whatever follows. */
function reference(frame: Uint8Array): Uint8Array {
  const params = { [constants.ZSTD_d_windowLogMax]: 23 };
  const options = { params, info: true };
  const { buffer, engine } = zstdDecompressSync(frame, options) as unknown as {
    readonly buffer: Uint8Array;
    readonly engine: { readonly bytesWritten: number };
  };
  if (engine.bytesWritten !== frame.length) throw new Error("Something follows");
  return buffer;
}

const decompress = zstdDecompressor();
if (decompress === undefined) throw new Error("This runtime has no zstd");
const report: Report =
  mode === "reference"
    ? { verdicts: await Promise.all(frames.map((frame) => verdict(() => reference(frame)))) }
    : await ours(decompress);
console.log(JSON.stringify(report));

/** zstd by the runtime's own zlib. (`DecompressionStream("zstd")` exists on Bun alone, so far.) */
import process from "node:process";
import { pipeline, Readable } from "node:stream";
import * as zlib from "node:zlib";
import { equalBytes } from "../../core/base/bytes.ts";
import { Pace } from "../../core/base/turn.ts";
import type { Decompressor } from "../../core/spi/runtime.ts";
import { MAX_BLOCK_BYTES, ZstdFrame } from "./frame.ts";

/**
 * Windows up to 8 MiB, as RFC 9659 bounds them for HTTP: what a stranger's frame may make us allocate. `zstd -1` to `-19`
 * stay within it, `--long` and `--ultra` do not.
 */
const WINDOW_LOG = 23;

/**
 * One frame, whole. `undefined` where the runtime has no zstd. Where a frame ends is looked at here, because the streams
 * do not say: Bun's and Deno's pass over an end that is missing, Node's over what follows.
 */
export function zstdDecompressor(): Decompressor | undefined {
  if (typeof zlib.createZstdDecompress !== "function") return undefined;
  const decode = "deno" in process.versions ? byBlocks : whole;
  return async function* decompress(source) {
    const frame = new ZstdFrame();
    let length = 0n;
    for await (const bytes of decode(source, frame)) {
      length += BigInt(bytes.length);
      yield bytes;
    }
    frame.end(length);
  };
}

type Decode = (source: AsyncIterable<Uint8Array>, frame: ZstdFrame) => AsyncIterable<Uint8Array>;

const params = { [zlib.constants.ZSTD_d_windowLogMax]: WINDOW_LOG };

const whole: Decode = async function* (source, frame) {
  const output = zlib.createZstdDecompress({ params });
  let taken = 0;
  async function* followed() {
    for await (const chunk of source) {
      frame.cut(chunk);
      taken += chunk.length;
      yield chunk;
    }
  }
  // What goes wrong on either side destroys `output`, and the loop below hears of it.
  pipeline(Readable.from(followed(), { highWaterMark: 1 }), output, () => {});
  yield* output as AsyncIterable<Uint8Array>;
  if (output.bytesWritten !== taken) throw new Error("The zstd frame was not read to its end");
};

/** A frame of one block with four bytes. */
const AFTERWARDS = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 4, 0x21, 0, 0, 0x65, 0x6e, 0x64, 0x2e);

/**
 * For Deno, whose stream must not be given more than one block at a time. It decodes what is written until its buffer is
 * full, and goes on a tick later; damage that comes to light then is an uncaught error, which ends the process (2.9),
 * while what comes to light at first is an error of the stream. Of one block there is nothing left to decode then: what
 * waits for room are decoded bytes. And as its word that it was through with the frame, it has to read another one.
 */
const byBlocks: Decode = async function* (source, frame) {
  // A write whose bytes do not fit would wait for a reader.
  const options = { params, chunkSize: MAX_BLOCK_BYTES, readableHighWaterMark: 4 * MAX_BLOCK_BYTES };
  const stream = zlib.createZstdDecompress(options);
  stream.on("error", () => {});
  const pace = new Pace();
  try {
    for await (const chunk of source) {
      for (const part of frame.cut(chunk)) {
        const bytes = await decoded(stream, part);
        if (bytes.length > 0) yield bytes;
        // It decodes in this thread.
        if (pace.due()) await pace.turn();
      }
    }
    const proof = await decoded(stream, AFTERWARDS);
    if (!equalBytes(proof, AFTERWARDS.subarray(-4))) throw new Error("The zstd frame was not read to its end");
  } finally {
    stream.destroy();
  }
};

/** What comes out when this has gone in. */
function decoded(stream: zlib.ZstdDecompress, part: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // A write that fails is not always told so.
    stream.once("error", reject);
    stream.write(part, (error) => {
      stream.off("error", reject);
      if (error) return reject(error);
      resolve(stream.read() ?? new Uint8Array(0));
    });
  });
}

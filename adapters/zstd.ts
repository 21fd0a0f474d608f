/** zstd by the runtime's own zlib. (`DecompressionStream("zstd")` exists on Bun alone, so far.) */
import process from "node:process";
import { pipeline, Readable } from "node:stream";
import * as zlib from "node:zlib";
import type { Decompressor } from "../core/spi/runtime.ts";

/**
 * Windows up to 8 MiB, as RFC 9659 bounds them for HTTP: what a stranger's frame may make us allocate. `zstd -1` to `-19`
 * stay within it, `--long` and `--ultra` do not.
 */
const WINDOW_LOG = 23;

/**
 * `undefined` where there is none that can be trusted: in Deno 2.9 damaged input is an uncaught error, which ends the
 * process, whatever listens.
 */
export function zstdDecompressor(): Decompressor | undefined {
  if (typeof zlib.createZstdDecompress !== "function" || "deno" in process.versions) return undefined;
  const params = { [zlib.constants.ZSTD_d_windowLogMax]: WINDOW_LOG };
  return async function* decompress(source) {
    const output = zlib.createZstdDecompress({ params });
    let taken = 0;
    async function* counted() {
      for await (const chunk of source) {
        taken += chunk.length;
        yield chunk;
      }
    }
    // What goes wrong on either side destroys `output`, and the loop below hears of it.
    pipeline(Readable.from(counted(), { highWaterMark: 1 }), output, () => {});
    yield* output as AsyncIterable<Uint8Array>;
    // Node stops at the end of the first frame without a word.
    if (output.bytesWritten !== taken) throw new Error("Something follows the first zstd frame");
  };
}

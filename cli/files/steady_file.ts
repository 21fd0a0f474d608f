/**
 * A file that is read in parts, some of them more than once, over minutes or hours, and must have been the same all the
 * time. Its digests are taken of the bytes as they pass, each once.
 */
import type { BigIntStats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type ContentDigests, startDigests } from "../../core/identity/digest_stream.ts";
import type { Algorithm, Hasher } from "../../core/mod.ts";
import { changed, checkSame, checkUnchanged, READ_FLAGS } from "./read.ts";
import type { FileFound } from "./walk.ts";

const CHUNK = 256 * 1024;

export interface SteadyFile {
  readonly size: number;
  /** What a file of other content cannot have without somebody's malice. */
  readonly identity: string;
  /** The bytes from `start` up to and without `end`. Fails with `source_changed` in its end at the latest. */
  read(start: number, end: number): ReadableStream<Uint8Array>;
  /** Everything. For small files. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** Of the whole; what has not passed yet is read for it. @throws {RegistryError} `source_changed` */
  digests(): Promise<ContentDigests>;
  close(): Promise<void>;
}

/** `size:mtime:ctime:inode`; device numbers change when a machine starts again. */
export function identityOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return [size, mtimeNs, ctimeNs, ino].join(":");
}

/** @throws {RegistryError} `source_changed` when it is not the file that was found; what the file system throws */
export async function openSteady(
  file: FileFound,
  hasher: Hasher,
  algorithms: readonly Algorithm[],
): Promise<SteadyFile> {
  const handle = await open(file.absolute, READ_FLAGS);
  let before: BigIntStats;
  try {
    before = await handle.stat({ bigint: true });
    checkSame(file, handle.fd, before);
  } catch (error) {
    await handle.close();
    throw error;
  }
  const { size } = file;
  const running = startDigests(hasher, algorithms);
  let hashed = 0;
  let done: Promise<ContentDigests> | undefined;

  /** Exactly these bytes, fewer only where the file ends too early. */
  async function piece(at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await readAt(handle, at, length);
    if (bytes.length !== length) throw changed(file);
    return bytes;
  }
  function note(at: number, bytes: Uint8Array): void {
    const fresh = hashed - at;
    if (fresh < 0 || fresh >= bytes.length) return;
    running.update(fresh === 0 ? bytes : bytes.subarray(fresh));
    hashed = at + bytes.length;
  }
  async function catchUp(to: number): Promise<void> {
    while (hashed < to) {
      const at = hashed;
      note(at, await piece(at, Math.min(CHUNK, to - at)));
    }
  }
  const check = async () => checkUnchanged(file, before, await handle.stat({ bigint: true }));

  return {
    size,
    identity: identityOf(before),
    read(start, end) {
      let at = start;
      return new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            if (at >= end) {
              await check();
              controller.close();
              return;
            }
            // Another process may have sent what comes before.
            await catchUp(at);
            const bytes = await piece(at, Math.min(CHUNK, end - at));
            note(at, bytes);
            at += bytes.length;
            controller.enqueue(bytes);
          },
        },
        { highWaterMark: 0 },
      );
    },
    async bytes() {
      const bytes = await piece(0, size);
      note(0, bytes);
      await check();
      return bytes;
    },
    digests() {
      done ??= (async () => {
        await catchUp(size);
        await check();
        return running.finish();
      })();
      return done;
    },
    close: () => handle.close(),
  };
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  // Of its own: the network may have the last one still.
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

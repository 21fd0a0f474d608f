/**
 * The bytes of uploads that resume. Two chunks are held at most; the hash runs while they arrive, and a checkpoint is
 * made durable while the next bytes are written.
 *
 * The running hash of an upload stays in this process between its requests. It belongs to one checkpoint: if the next
 * request comes with another one (another process went on, or this one failed half-way), it is dropped, and the bytes
 * are read once in the end.
 */
import { RegistryError } from "../base/errors.ts";
import { abortable } from "../base/stream.ts";
import { type Algorithm, DEFAULT_ALGORITHMS } from "../identity/algorithms.ts";
import type { Digest } from "../identity/digest.ts";
import type { ContentFacts, DataPlane, IngestOptions, IngestResult, UploadBytes } from "../spi/data_plane.ts";
import type { SealedUpload, StagedUpload, StorageBackend, UploadCheckpoint } from "../spi/storage.ts";
import { type Hashing, type PassingDigests, startContentDigests } from "./passing_digests.ts";
import { passOver } from "./pipeline.ts";

/** Bytes between checkpoints: what a crash makes a client send again at most, twice. */
export const CHECKPOINT_SIZE = 32 * 1024 * 1024;
/** What a storage backend must take without a settled checkpoint (core/spi/storage.ts). */
const UNSETTLED_SIZE = 256 * 1024 * 1024;
/** Uploads whose hash is kept between requests; of the others the bytes are read again. A state takes 64 KiB at most. */
const KEPT_HASHES = 1000;

type UploadMethods = Pick<
  DataPlane,
  "appendUpload" | "completeUpload" | "sealedUpload" | "discardUpload" | "listUploads"
>;

interface KeptHash {
  readonly checkpoint: UploadCheckpoint;
  readonly algorithms: ReadonlySet<Algorithm>;
  readonly digests: PassingDigests<ContentFacts>;
}

export function createUploadBytes(deps: {
  backendOf(id: string): StorageBackend;
  readonly hashing: Hashing;
  /** Checks, places, publishes. */
  finish(
    facts: ContentFacts,
    sealed: SealedUpload,
    options: Pick<IngestOptions, "expected" | "expected_size" | "place" | "backend_id">,
  ): Promise<IngestResult>;
}): UploadMethods {
  const { backendOf, hashing } = deps;
  const kept = new Map<string, KeptHash>();

  /** The hash that belongs to the upload as it is recorded. Taken: it is put back, or gone. */
  function takeHash({ upload_id: id, checkpoint }: UploadBytes): KeptHash | undefined {
    const hash = kept.get(id);
    kept.delete(id);
    const same = hash?.checkpoint.state === checkpoint?.state && hash?.checkpoint.offset === checkpoint?.offset;
    if (same) return hash;
    hash?.digests.drop();
    return undefined;
  }

  function keepHash(id: string, hash: KeptHash): void {
    dropHash(id);
    kept.set(id, hash);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_HASHES && oldest !== undefined) dropHash(oldest);
  }

  function dropHash(id: string): void {
    kept.get(id)?.digests.drop();
    kept.delete(id);
  }

  function begin({ algorithms = [] }: UploadBytes): Omit<KeptHash, "checkpoint"> {
    const all = new Set([...DEFAULT_ALGORITHMS, ...algorithms]);
    return { algorithms: all, digests: startContentDigests(hashing, algorithms) };
  }

  /**
   * Opens the upload; if its bytes had to move out of somebody's way, that is recorded before anything else. `fresh`: so
   * is the name of one that begins. Not needed where its first checkpoint comes anyway.
   */
  async function open(upload: UploadBytes, fresh: boolean): Promise<StagedUpload> {
    const { checkpoint, contended, signal } = upload;
    const staged = await backendOf(upload.backend_id).openUpload(upload.upload_id, {
      contended,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(signal === undefined ? {} : { signal }),
    });
    try {
      const begins = checkpoint === undefined;
      const moved = contended || (begins ? fresh : staged.checkpoint.state !== checkpoint.state);
      if (moved) await save(upload, staged, staged.checkpoint);
      return staged;
    } catch (error) {
      await staged.close();
      throw error;
    }
  }

  async function save(
    upload: UploadBytes,
    staged: StagedUpload,
    checkpoint: UploadCheckpoint,
    last?: "whole" | "cut",
  ): Promise<void> {
    await upload.record(checkpoint, last);
    await staged.settle(checkpoint);
  }

  async function appendUpload(
    upload: UploadBytes,
    source: AsyncIterable<Uint8Array>,
    { expected = [] }: { readonly expected?: readonly Digest[] } = {},
  ): Promise<void> {
    const known = takeHash(upload);
    let hash: Omit<KeptHash, "checkpoint"> | undefined = known;
    let staged: StagedUpload | undefined;
    try {
      staged = await open(upload, false);
      if (staged.checkpoint.offset === 0) {
        known?.digests.drop();
        hash = begin(upload);
      }
      const { broken, whole } = await pump(upload, staged, source, hash?.digests, expected);
      try {
        const checkpoint = await staged.sync();
        await save(upload, staged, checkpoint, broken === undefined ? "whole" : "cut");
        if (hash !== undefined && whole) {
          keepHash(upload.upload_id, { ...hash, checkpoint });
          hash = undefined;
        }
      } catch (error) {
        throw broken === undefined ? error : broken.error;
      }
      if (broken !== undefined) throw broken.error;
    } finally {
      hash?.digests.drop();
      await staged?.close();
    }
  }

  /**
   * @returns how the source broke (what came before counts), and whether `digests` has seen all that came. Throws where
   * nothing after the last checkpoint counts.
   */
  async function pump(
    upload: UploadBytes,
    staged: StagedUpload,
    source: AsyncIterable<Uint8Array>,
    digests: PassingDigests<ContentFacts> | undefined,
    expected: readonly Digest[],
  ): Promise<{ readonly broken: { readonly error: unknown } | undefined; readonly whole: boolean }> {
    const algorithms = expected.map(({ algorithm }) => algorithm);
    const checked = expected.length === 0 ? undefined : startContentDigests(hashing, algorithms);
    const failures: unknown[] = [];
    const note = (error: unknown) => void failures.push(error);
    let writing: Promise<void> | undefined;
    let saving: Promise<void> | undefined;
    let unsaved = 0;
    let broken: { readonly error: unknown } | undefined;
    let whole = true;
    const miss = () => {
      whole = false;
    };
    try {
      for await (const chunk of abortable(source, upload.signal)) {
        await writing;
        if (unsaved >= CHECKPOINT_SIZE && checked === undefined) {
          await saving;
          unsaved = 0;
          saving = staged
            .sync()
            .then((checkpoint) => save(upload, staged, checkpoint))
            .catch(note);
        }
        if (failures.length > 0) break;
        unsaved += chunk.length;
        if (unsaved > UNSETTLED_SIZE) throw tooMuchToCheck();
        writing = staged.write(chunk).catch(note);
        // Of what cannot be hashed beside this thread any more, the bytes are read again in the end.
        if (whole) await digests?.update(chunk)?.catch(miss);
        await checked?.update(chunk);
      }
    } catch (error) {
      broken = { error };
    }
    try {
      await Promise.all([writing, saving]);
      if (failures.length > 0) throw failures[0];
      if (checked === undefined) return { broken, whole };
      // Half of the bytes cannot be checked, so none of them counts.
      if (broken !== undefined) throw broken.error;
      checkHere(await checked.finish(), expected);
      return { broken, whole };
    } finally {
      checked?.drop();
    }
  }

  async function completeUpload(
    upload: UploadBytes,
    options: Pick<IngestOptions, "expected" | "expected_size" | "algorithms" | "place">,
  ): Promise<IngestResult> {
    const known = takeHash(upload);
    let staged: StagedUpload | undefined;
    try {
      staged = await open(upload, true);
      const sealed = await staged.seal();
      const algorithms = [...(options.algorithms ?? []), ...(options.expected ?? []).map((d) => d.algorithm)];
      const covered = known !== undefined && algorithms.every((algorithm) => known.algorithms.has(algorithm));
      // Where the hash is gone with the thread that had it, the bytes are still there.
      const facts =
        (covered ? await known.digests.finish().catch(() => undefined) : undefined) ??
        (await passOver(sealed.read(), hashing, {
          algorithms: [...(upload.algorithms ?? []), ...algorithms],
          size: sealed.size,
          ...(upload.signal === undefined ? {} : { signal: upload.signal }),
        }));
      return await deps.finish(facts, sealed, { ...options, backend_id: upload.backend_id });
    } finally {
      known?.digests.drop();
      await staged?.close();
    }
  }

  return {
    appendUpload,
    completeUpload,
    sealedUpload: (backendId, id) => backendOf(backendId).sealedUpload(id),
    async discardUpload(backendId, id) {
      dropHash(id);
      await backendOf(backendId).discardUpload(id);
    },
    listUploads: (backendId, before) => backendOf(backendId).listUploads(before),
  };
}

function checkHere({ digests: found }: ContentFacts, expected: readonly Digest[]): void {
  for (const digest of expected) {
    const actual = found[digest.algorithm];
    if (actual?.equals(digest) === true) continue;
    throw new RegistryError("digest_mismatch", `The bytes of this request have the digest ${actual}, not ${digest}`, {
      expected: digest.toString(),
      actual: actual?.toString(),
    });
  }
}

function tooMuchToCheck(): RegistryError {
  return new RegistryError("limit_exceeded", "A request whose bytes are checked by a digest carries 256 MiB at most", {
    limit: UNSETTLED_SIZE,
  });
}

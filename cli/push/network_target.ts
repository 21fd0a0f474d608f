/**
 * The entries of a directory into an open package behind a server, over connections that break. What the server says of
 * a file is compared with digests taken here, of the bytes as they were read.
 */

import type { ContentDigests } from "../../core/identity/digest_stream.ts";
import {
  type Algorithm,
  type Caller,
  type Digest,
  type FileEntry,
  isRegistryError,
  RegistryError,
} from "../../core/mod.ts";
import { ApiError, type Entry, uploadFile, uploadResumable } from "../../sdk/typescript/mod.ts";
import { STALL, within } from "../../sdk/typescript/watchdog.ts";
import type { Added, TreeTarget } from "../files/ingest_tree.ts";
import { openSteady, type SteadyFile } from "../files/steady_file.ts";
import type { FileFound } from "../files/walk.ts";
import { toRegistryError } from "../remote/errors.ts";
import type { Server } from "../remote/server.ts";
import type { Journal } from "./journal.ts";
import { maySettle, type Patience } from "./patience.ts";

const MIB = 1024 * 1024;
/** Up to here a file goes in one request, and from memory: what is lost with a connection costs less than asking. */
const SINGLE = 8 * MIB;
const BUDGET = 64 * MIB;
/** A file that goes in parts: four of them at once. */
const IN_PARTS = 16 * MIB;
/** Bytes of one request. */
const PART = 64 * MIB;
/** How often bytes are sent that arrive as others. */
const ATTEMPTS = 3;

export interface NetworkTargetOptions {
  readonly server: Server;
  readonly patience: Patience;
  readonly caller: Caller;
  readonly packageId: string;
  readonly journal: Journal;
  /** What was in the package before, by path; of files only. */
  readonly there: ReadonlyMap<string, FileEntry>;
  readonly sha512: boolean;
  /** What a file must have. */
  expected?(path: string): Digest | undefined;
}

type OnBytes = Parameters<TreeTarget["addFile"]>[1];

/** What is known of a file that the server has. */
interface Arrived {
  readonly content_address: string;
  readonly sha256?: string;
  readonly deduplicated: boolean;
}

export function networkTarget(options: NetworkTargetOptions): TreeTarget {
  const { server, patience, caller, packageId, journal, there, sha512, expected } = options;
  const { api, hasher, url } = server;
  const { signal } = caller;
  const heard = signal === undefined ? {} : { signal };
  const algorithms: readonly Algorithm[] = sha512 ? ["sha512"] : [];

  /**
   * A directory or symlink. Asked again, by us or by the runtime itself, it is refused because of itself. So what stands
   * there, which costs nothing, makes room.
   */
  async function addEntry(path: string, kind: "directory" | "symlink", body: string): Promise<void> {
    const trial = patience.begin();
    for (let room = 0; ; ) {
      signal?.throwIfAborted();
      try {
        const request = { path: { id: packageId, path }, query: { kind }, body: new Blob([body]) };
        await within(STALL, signal, (signal) => api.putFile({ ...request, signal }));
        return trial.moved();
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (isApi(error, "path_exists") && room++ < ATTEMPTS) await removeEntry(patience, caller, packageId, path);
        else await trial.failed(error, signal);
      }
    }
  }

  /** What stands at the path, where somebody says that something does: our own bytes, if an answer of ours was lost. */
  async function standing(path: string): Promise<Arrived> {
    const call = (asked: object) => api.getFileHead({ ...asked, path: { id: packageId, path } });
    const { response } = await patience.server.ask(caller, call);
    const etag = response.headers.get("etag") ?? "";
    return { content_address: etag.replaceAll('"', ""), deduplicated: false };
  }

  async function inOne(file: FileFound, steady: SteadyFile, replace: boolean, onBytes: OnBytes): Promise<Arrived> {
    const { path, executable } = file;
    const source = await steady.bytes();
    const reprDigest = digestHeader(await steady.digests());
    const trial = patience.begin();
    for (;;) {
      signal?.throwIfAborted();
      const moving = moved(onBytes);
      let deduplicated = false;
      try {
        const entry = await uploadFile(api, {
          ...{ packageId, path, source, executable, replace, sha512, reprDigest, ...heard },
          mediaType: null,
          onProgress: moving.to,
          onDone: (answer) => {
            deduplicated = answer.deduplicated;
          },
        });
        trial.moved();
        return { ...factsOf(entry), deduplicated };
      } catch (error) {
        moving.to(0);
        if (signal?.aborted) throw signal.reason;
        if (!maySettle(error)) throw error;
        await trial.failed(error, signal);
      }
    }
  }

  async function inParts(file: FileFound, steady: SteadyFile, replace: boolean, onBytes: OnBytes): Promise<Arrived> {
    const { path, executable } = file;
    const begun = await begunUpload(path, steady.identity);
    const trial = patience.begin();
    const moving = moved(onBytes);
    let best = begun === undefined ? 0 : -1;
    let deduplicated = false;
    try {
      const entry = await uploadResumable(api, {
        ...{ packageId, path, source: steady, executable, replace, sha512, partSize: PART, ...heard },
        ...(begun !== undefined && { uploadId: begun }),
        reprDigest: async () => digestHeader(await steady.digests()),
        onBegin: (uploadId) => journal.noteUpload({ path, identity: steady.identity, upload_id: uploadId }),
        onProgress({ durable, sent }) {
          moving.to(sent, best < 0 ? { earlier: true } : undefined);
          if (durable > best) trial.moved();
          best = Math.max(best, durable);
        },
        onDone: (upload) => {
          deduplicated = upload.deduplicated ?? false;
        },
        onFailure: (error) => trial.failed(error, signal),
      });
      moving.to(file.size);
      return { ...factsOf(entry), deduplicated };
    } catch (error) {
      moving.to(0);
      if (signal?.aborted) throw signal.reason;
      if (isRegistryError(error, "source_changed")) await cancel(path);
      throw error;
    }
  }

  /** The upload of an earlier run, if the file is still what it was. */
  async function begunUpload(path: string, identity: string): Promise<string | undefined> {
    const begun = journal.uploads.get(path);
    if (begun === undefined || begun.identity === identity) return begun?.upload_id;
    await cancel(path);
    return undefined;
  }

  /** Nobody needs it any more. It would expire, too. */
  async function cancel(path: string): Promise<void> {
    const begun = journal.uploads.get(path);
    if (begun === undefined) return;
    journal.noteEnded(path);
    const id = begun.upload_id;
    await within(STALL, signal, (signal) => api.cancelUpload({ signal, path: { id } })).catch(() => {});
  }

  /** One way or the other, until the server has it; what went wrong for good as the library would say it. */
  async function send(file: FileFound, steady: SteadyFile, onBytes: OnBytes): Promise<Arrived> {
    const { path } = file;
    const way = file.size <= SINGLE ? inOne : inParts;
    let replace = there.has(path);
    for (let attempt = 1; ; ) {
      try {
        return await way(file, steady, replace, onBytes);
      } catch (error) {
        if (isApi(error, "path_exists") && !replace) {
          journal.noteEnded(path);
          const arrived = await standing(path);
          if (arrived.content_address === String((await steady.digests()).address)) {
            onBytes(file.size);
            return arrived;
          }
          replace = true;
        } else if (isLostUpload(error) && journal.uploads.has(path)) {
          // Expired, or ended by somebody: its bytes are gone.
          journal.noteEnded(path);
        } else if (isApi(error, "digest_mismatch") && attempt++ < ATTEMPTS) {
          journal.noteEnded(path);
        } else throw error instanceof ApiError ? toRegistryError(error, url) : error;
      }
    }
  }

  return {
    budget: BUDGET,
    weightOf: (size) => (size <= SINGLE ? size : IN_PARTS),
    addDirectory: (path) => addEntry(path, "directory", ""),
    addSymlink: (path, target) => addEntry(path, "symlink", target),
    async addFile(file, onBytes): Promise<Added> {
      const { path, size, executable } = file;
      const steady = await openSteady(file, hasher, algorithms);
      try {
        const arrived = (await alreadyThere(file, steady, onBytes)) ?? (await send(file, steady, onBytes));
        const digests = await steady.digests();
        check(path, arrived, digests);
        // Known only now that all of it has passed: the package is not closed with it.
        checkExpected(path, expected?.(path), digests);
        const { identity } = steady;
        const { content_address, deduplicated } = arrived;
        journal.noteSent({ path, identity, content_address, executable, deduplicated });
        return { size, deduplicated };
      } finally {
        await steady.close();
      }
    },
  };

  /** An earlier run may have sent it without hearing of it. Reading it costs less than sending it again. */
  async function alreadyThere(file: FileFound, steady: SteadyFile, onBytes: OnBytes): Promise<Arrived | undefined> {
    const entry = there.get(file.path);
    if (entry === undefined || entry.size !== file.size || entry.executable !== file.executable) return undefined;
    if (sha512 && entry.digests.sha512 === undefined) return undefined;
    if (entry.content_address !== String((await steady.digests()).address)) return undefined;
    await cancel(file.path);
    onBytes(file.size, { earlier: true });
    return { ...factsOf(entry), deduplicated: false };
  }
}

/** It is gone then, whoever took it out. */
export async function removeEntry(
  { server }: Patience,
  caller: Caller,
  packageId: string,
  path: string,
): Promise<void> {
  try {
    await server.ask(caller, (asked) => server.api.deleteFile({ ...asked, path: { id: packageId, path } }));
  } catch (error) {
    if (!isRegistryError(error, "file_not_found")) throw error;
  }
}

/** Tells how much further it is than before. */
function moved(onBytes: OnBytes) {
  let at = 0;
  return {
    to(count: number, how?: { readonly earlier: boolean }): void {
      if (count !== at) onBytes(count - at, how);
      at = count;
    },
  };
}

/** @throws {RegistryError} `digest_mismatch` */
function check(path: string, arrived: Arrived, { address, digests }: ContentDigests): void {
  const sent = String(address);
  const same = arrived.content_address === sent && (arrived.sha256 ?? digests.sha256.hex) === digests.sha256.hex;
  if (same) return;
  throw new RegistryError(
    "digest_mismatch",
    `${JSON.stringify(path)} arrived as ${arrived.content_address} and was sent as ${sent}: something between changed it`,
    { path, sent, arrived: arrived.content_address },
  );
}

/** @throws {RegistryError} `digest_mismatch` */
function checkExpected(path: string, expected: Digest | undefined, { digests }: ContentDigests): void {
  const actual = expected && digests[expected.algorithm];
  if (expected === undefined || actual?.equals(expected) === true) return;
  throw new RegistryError("digest_mismatch", `${JSON.stringify(path)} is not ${expected} any more; run it again`, {
    path,
    expected: String(expected),
    actual: String(actual),
  });
}

/** RFC 9530. The server refuses other bytes before they get a name. */
function digestHeader({ digests }: ContentDigests): string {
  return `sha-256=:${Buffer.from(digests.sha256.hex, "hex").toString("base64")}:`;
}

/** What is no file has no content, and so not the content that was sent. */
function factsOf(entry: Entry): Pick<Arrived, "content_address" | "sha256"> {
  return entry.kind === "file"
    ? { content_address: entry.content_address, sha256: entry.digests.sha256 }
    : { content_address: `a ${entry.kind}` };
}

const isApi = (error: unknown, code: string): boolean => error instanceof ApiError && error.code === code;

/** HEAD tells no code. */
const isLostUpload = (error: unknown): boolean => isApi(error, "upload_not_found") || isApi(error, "http_404");

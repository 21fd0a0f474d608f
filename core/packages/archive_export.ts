/** Bulk out: a package as one tar or zip. */
import { authorize } from "../access/decide.ts";
import { utf8 } from "../base/bytes.ts";
import { collect } from "../base/stream.ts";
import type { PackageEntry } from "../events/types.ts";
import { coded } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { crc32 } from "./archive_crc32.ts";
import { type OutgoingEntry, TAR_END, tarHeader, tarPadding } from "./archive_tar_write.ts";
import { ZipWriter } from "./archive_zip_write.ts";
import { openFile } from "./content.ts";
import type { FileEntry } from "./entries.ts";
import { describe, findPackage, listFiles } from "./read.ts";
import type { Package, PackageDeps } from "./types.ts";

export const ARCHIVE_OUTPUT_FORMATS = ["tar", "zip"] as const;
export type ArchiveOutputFormat = (typeof ARCHIVE_OUTPUT_FORMATS)[number];

export interface ExportArchiveInput {
  /** Id or `name@version`. */
  readonly package: string;
  readonly format: ArchiveOutputFormat;
}

export interface ArchiveContent {
  readonly package: Package;
  /**
   * The bytes, once, read as they are asked for. Damage throws `object_corrupt` or `object_missing` before the archive
   * has its end, so that nobody takes it for whole.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * All entries in the order of `listFiles`. The same finalised package gives the same bytes: every entry has the time at
 * which the package was finalised (created, while it is open), owner 0, and mode 0644 or 0755.
 * @throws {RegistryError} `package_not_found`
 */
export async function exportArchive(
  deps: PackageDeps,
  caller: Caller,
  input: ExportArchiveInput,
): Promise<ArchiveContent> {
  authorize(caller, "package:read");
  const found = await describe(deps, await findPackage(deps, caller, input.package));
  const write = input.format === "tar" ? tarOf : zipOf;
  return { package: found, body: write(deps, caller, found) };
}

async function* tarOf(deps: PackageDeps, caller: Caller, found: Package): AsyncGenerator<Uint8Array, void, void> {
  const mtime = secondsOf(found);
  for await (const entry of entriesOf(deps, caller, found)) {
    yield tarHeader(outgoing(entry), mtime);
    if (entry.kind !== "file") continue;
    yield* await bytesOf(deps, caller, entry);
    const padding = tarPadding(entry.size);
    if (padding.length > 0) yield padding;
  }
  yield TAR_END;
}

/** Up to here a file is read before its header is written: programs that read a zip as a stream need the checksum first. */
const CHECKSUM_FIRST = 4 * 1024 * 1024;

async function* zipOf(deps: PackageDeps, caller: Caller, found: Package): AsyncGenerator<Uint8Array, void, void> {
  const zip = new ZipWriter(secondsOf(found));
  for await (const entry of entriesOf(deps, caller, found)) {
    const out = outgoing(entry);
    if (entry.kind !== "file") {
      const content = utf8(out.target);
      yield zip.header(out, content.length, crc32(content));
      if (content.length > 0) yield zip.content(content);
      continue;
    }
    const body = await bytesOf(deps, caller, entry);
    if (entry.size <= CHECKSUM_FIRST) {
      const content = await collect(body, CHECKSUM_FIRST);
      yield zip.header(out, content.length, crc32(content));
      if (content.length > 0) yield zip.content(content);
      continue;
    }
    yield zip.header(out, entry.size);
    let crc = 0;
    for await (const chunk of body) {
      crc = crc32(chunk, crc);
      yield zip.content(chunk);
    }
    yield zip.trailer(crc);
  }
  yield* zip.end();
}

async function* entriesOf(deps: PackageDeps, caller: Caller, found: Package): AsyncGenerator<PackageEntry> {
  let cursor: string | undefined;
  do {
    const query = { limit: 1000, ...(cursor === undefined ? {} : { cursor }) };
    const page = await coded(deps.database, () => listFiles(deps, caller, found.package_id, query));
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

async function bytesOf(deps: PackageDeps, caller: Caller, entry: FileEntry): Promise<AsyncIterable<Uint8Array>> {
  return (await coded(deps.database, () => openFile(deps, caller, entry))).body;
}

function outgoing(entry: PackageEntry): OutgoingEntry {
  return {
    path: entry.path,
    kind: entry.kind,
    size: entry.kind === "file" ? entry.size : 0,
    executable: entry.kind === "file" && entry.executable,
    target: entry.kind === "symlink" ? entry.target : "",
  };
}

function secondsOf({ finalized_at, created_at }: Package): number {
  return Math.floor(Date.parse(finalized_at ?? created_at) / 1000);
}

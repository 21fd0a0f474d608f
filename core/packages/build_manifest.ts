/**
 * What is in a package, as the manifest that closes it. There may be a million entries: read in pages, and nothing runs
 * longer than a turn of the event loop should.
 */
import { compareUtf8 } from "../base/bytes.ts";
import { toTimestamp } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import { parseJcsText } from "../base/jcs.ts";
import { sortInTurns } from "../base/sort.ts";
import { Pace } from "../base/turn.ts";
import type { ExternalRef, JsonMap, RetentionMode } from "../events/types.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import type { Manifest, ManifestEntry, StorageReceipt } from "../manifest/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { entryOf, filesTable, newestOf } from "../views/files.ts";
import { pathKeyOf } from "../views/keys.ts";
import { loadOne } from "../views/loader.ts";
import { selectByKeys } from "../views/statements.ts";
import type { ArtifactPackagesTable } from "../views/tables.ts";
import { ancestorsOf } from "./paths.ts";
import type { PackageDeps } from "./types.ts";

type Reader = Parameters<typeof selectByKeys>[0];

/** Rows read at once: some 10 ms on SQLite, whose statements nobody can interrupt. */
const PAGE = 1000;

export interface BuiltManifest {
  readonly manifest: Manifest;
  /** Sequence of the newest event about the package, as it was read. */
  readonly newest: number | undefined;
}

/** The manifest of what is in the package now. @throws {RegistryError} `limit_exceeded`, `path_conflict` */
export async function buildManifest(
  deps: PackageDeps,
  caller: Caller,
  row: ArtifactPackagesTable,
): Promise<BuiltManifest> {
  return await deps.database.snapshot(async (trx) => {
    const newest = await loadOne(trx, newestOf, row.package_id);
    const files = await readEntries(trx, row.package_id, deps.limits.maxFilesPerPackage);
    await checkTree(files);
    const retention = await trx
      .selectFrom("retention_state")
      .select(["retention_class", "mode", "current_expires_at"])
      .where("package_id", "=", row.package_id)
      .executeTakeFirstOrThrow();
    const manifest: Manifest = {
      manifest_version: 1,
      package: {
        package_id: row.package_id,
        tenant: row.tenant,
        name: row.name,
        version: row.version,
        created_at: row.created_at,
        retention_class: row.retention_class,
        metadata: parseJcsText(row.metadata) as JsonMap,
        metadata_schema: row.metadata_schema,
        external_refs: parseJcsText(row.external_refs) as unknown as readonly ExternalRef[],
      },
      files,
      storage_receipts: await receiptsFor(trx, files),
      retention_summary: {
        retention_class: retention.retention_class,
        mode: retention.mode as RetentionMode,
        expires_at: retention.current_expires_at,
      },
      provenance: {
        created_by: row.created_by,
        finalized_by: caller.principal.subject,
        finalized_at: toTimestamp(deps.clock.now()),
      },
    };
    return { manifest, newest };
  });
}

/** Every entry of a package, in pages, in the order of their paths after NFC. */
export async function* entriesOf(db: Reader, packageId: string): AsyncGenerator<readonly ManifestEntry[], void, void> {
  const pace = new Pace();
  for (let after = ""; ; ) {
    const page = await db
      .selectFrom("artifact_files")
      .select(filesTable.columns)
      .where("package_id", "=", packageId)
      .where("path_key", ">", after)
      .orderBy("path_key")
      .limit(PAGE)
      .execute();
    yield page.map(entryOf);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.path_key;
    if (pace.due()) await pace.turn();
  }
}

async function readEntries(trx: Reader, packageId: string, limit: number): Promise<readonly ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  for await (const page of entriesOf(trx, packageId)) {
    for (const entry of page) entries.push(entry);
    if (entries.length > limit) throw tooManyEntries(limit);
  }
  // In order already, but for paths that are not NFC.
  return await sortInTurns(entries, (a, b) => compareUtf8(a.path, b.path));
}

/** A file or link cannot have entries below it. The entry units check upwards only; this sees the whole tree. */
async function checkTree(files: readonly ManifestEntry[]): Promise<void> {
  const pace = new Pace();
  const notDirectories = new Set<string>();
  for (const entry of files) {
    if (entry.kind !== "directory") notDirectories.add(pathKeyOf(entry.path));
    if (pace.due()) await pace.turn();
  }
  let above = "";
  for (const { path } of files) {
    const key = pathKeyOf(path);
    const parent = key.slice(0, Math.max(key.lastIndexOf("/"), 0));
    // Its neighbours lie in the same directory, most of the time.
    if (parent === above) continue;
    above = parent;
    for (const ancestor of ancestorsOf(key)) {
      if (!notDirectories.has(ancestor)) continue;
      throw new RegistryError(
        "path_conflict",
        `${JSON.stringify(ancestor)} is not a directory, but ${JSON.stringify(path)} is below it; remove one`,
        {
          path,
          ancestor,
        },
      );
    }
    if (pace.due()) await pace.turn();
  }
}

/** Addresses looked up between two looks at the clock. */
const LOOKED_UP = 512;

async function receiptsFor(trx: Reader, files: readonly ManifestEntry[]): Promise<StorageReceipt[]> {
  const pace = new Pace();
  const distinct = new Set<string>();
  for (const entry of files) if (entry.kind === "file") distinct.add(entry.content_address);
  // Hexadecimal digits, for which the order of JavaScript is that of bytes.
  const addresses = await sortInTurns([...distinct], (a, b) => (a < b ? -1 : 1));
  const receipts: StorageReceipt[] = [];
  for (let at = 0; at < addresses.length; at += LOOKED_UP) {
    const rows = await selectByKeys(
      trx,
      "storage_locations",
      ["content_address", "backend_id", "byte_length", "stored_at"],
      ["content_address"],
      addresses.slice(at, at + LOOKED_UP).map((address) => [address]),
    );
    const found = new Map<string, StorageReceipt>();
    for (const row of rows) {
      found.set(`${row.content_address} ${row.backend_id}`, {
        backend_id: row.backend_id,
        content_address: row.content_address as ContentAddress,
        size: row.byte_length,
        stored_at: row.stored_at,
      });
    }
    const sorted = [...found.values()].sort(
      (a, b) => compareUtf8(a.content_address, b.content_address) || compareUtf8(a.backend_id, b.backend_id),
    );
    for (const receipt of sorted) receipts.push(receipt);
    if (pace.due()) await pace.turn();
  }
  return receipts;
}

function tooManyEntries(limit: number): RegistryError {
  return new RegistryError(
    "limit_exceeded",
    `A package may have ${limit} entries, and this one has more; make several packages of it`,
    { limit },
  );
}

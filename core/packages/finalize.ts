/**
 * Finalising: the set of entries becomes a manifest, and the manifest the payload of the event that closes the package.
 *
 * The manifest is built before the transaction, because nothing but SQL runs while the head is held. The unit of work
 * then only compares a fingerprint of the entries; if one was added meanwhile, the manifest is built again.
 */
import { authorize } from "../access/decide.ts";
import { compareUtf8 } from "../base/bytes.ts";
import { toTimestamp } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import { parseJcsText } from "../base/jcs.ts";
import type { ExternalRef, JsonMap, RetentionMode } from "../events/types.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import {
  encodeManifest,
  type Manifest,
  type ManifestEntry,
  manifestDigest,
  type StorageReceipt,
} from "../manifest/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { type EntriesState, entriesState, entryOf, filesTable } from "../views/files.ts";
import { loadOne, type Want, type Wants, want } from "../views/loader.ts";
import { packageById, releasedPackage } from "../views/packages.ts";
import { selectByKeys } from "../views/statements.ts";
import type { ArtifactFilesTable, ArtifactPackagesTable } from "../views/tables.ts";
import { versionExists } from "./create.ts";
import { checkOpen } from "./entry_unit.ts";
import { ancestorsOf } from "./paths.ts";
import { describe, findPackage } from "./read.ts";
import type { Package, PackageDeps } from "./types.ts";

const ATTEMPTS = 10;

/**
 * Closes a package for good. Finalising twice gives the same result.
 * @throws {RegistryError} `package_not_found`, `package_not_open` (abandoned), `path_conflict`, `version_exists`,
 * `limit_exceeded`, `conflict` when entries keep being added
 */
export async function finalizePackage(deps: PackageDeps, caller: Caller, packageId: string): Promise<Package> {
  authorize(caller, "package:finalize");
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const row = await findPackage(deps, caller, packageId);
    if (row.state === "finalized") return await describe(deps, row);
    checkOpen(row, caller, packageId);
    const { manifest, state } = await buildManifest(deps, caller, row);
    const bytes = encodeManifest(manifest);
    if ((await commitManifest(deps, caller, row, manifest, bytes, state)) === "changed") continue;
    const finalized = await loadOne(deps.database.read, packageById, packageId);
    const digest = manifestDigest(bytes, deps.hasher);
    if (finalized === undefined || (finalized.manifest_digest !== digest && finalized.state !== "finalized")) {
      throw new RegistryError("internal", "The package was finalised, but its row does not say so", {
        package_id: packageId,
      });
    }
    return await describe(deps, finalized);
  }
  throw new RegistryError(
    "conflict",
    `Files were being added to ${packageId} while it was finalised; stop adding and finalise again`,
    {
      package_id: packageId,
    },
  );
}

async function commitManifest(
  deps: PackageDeps,
  caller: Caller,
  row: ArtifactPackagesTable,
  manifest: Manifest,
  bytes: Uint8Array,
  state: EntriesState,
): Promise<"done" | "changed"> {
  const { package_id: packageId, tenant, name, version } = row;
  const wants: Record<string, Want<unknown>> = {
    package: want(packageById, packageId),
    entries: want(entriesState, packageId),
  };
  if (version !== null) wants.released = want(releasedPackage, { tenant, name, version });
  return await deps.ledger.commit<Wants, "done" | "changed">(caller, {
    wants,
    decide(found) {
      const current = found.package as ArtifactPackagesTable | undefined;
      if (current?.state === "finalized") return { events: [], result: "done" };
      checkOpen(current, caller, packageId);
      const entries = found.entries as EntriesState | undefined;
      if (entries?.count !== state.count || entries.last_sequence !== state.last_sequence) {
        return { events: [], result: "changed" };
      }
      if (found.released !== undefined) throw versionExists(name, version ?? "");
      return {
        events: [{ type: "v1.package.finalized", subject: packageId, payload: manifest, payload_bytes: bytes }],
        result: "done",
      };
    },
  });
}

/** The manifest of what is in the package now, and the fingerprint of exactly that. */
async function buildManifest(deps: PackageDeps, caller: Caller, row: ArtifactPackagesTable) {
  return await deps.database.snapshot(async (trx) => {
    const state = (await loadOne(trx, entriesState, row.package_id)) ?? { count: 0, last_sequence: 0 };
    const limit = deps.limits.maxFilesPerPackage;
    if (state.count > limit) {
      throw new RegistryError("limit_exceeded", `A package may have ${limit} entries; this one has ${state.count}`, {
        limit,
        count: state.count,
      });
    }
    const rows: ArtifactFilesTable[] = [];
    for (let after = ""; ; ) {
      const page = await trx
        .selectFrom("artifact_files")
        .select(filesTable.columns)
        .where("package_id", "=", row.package_id)
        .where("path_key", ">", after)
        .orderBy("path_key")
        .limit(2000)
        .execute();
      rows.push(...page);
      const last = page.at(-1);
      if (last === undefined || page.length < 2000) break;
      after = last.path_key;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const files = rows.map(entryOf).sort((a, b) => compareUtf8(a.path, b.path));
    checkTree(files);
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
    return { manifest, state };
  });
}

/** A file or link cannot have entries below it. The entry units check upwards only; this sees the whole tree. */
function checkTree(files: readonly ManifestEntry[]): void {
  const notDirectories = new Set<string>();
  for (const entry of files) if (entry.kind !== "directory") notDirectories.add(entry.path.normalize("NFC"));
  for (const { path } of files) {
    for (const ancestor of ancestorsOf(path.normalize("NFC"))) {
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
  }
}

async function receiptsFor(
  trx: Parameters<typeof selectByKeys>[0],
  files: readonly ManifestEntry[],
): Promise<StorageReceipt[]> {
  const addresses = new Set<string>();
  for (const entry of files) if (entry.kind === "file") addresses.add(entry.content_address);
  const rows = await selectByKeys(
    trx,
    "storage_locations",
    ["content_address", "backend_id", "byte_length", "stored_at"],
    ["content_address"],
    [...addresses].map((address) => [address]),
  );
  const receipts = new Map<string, StorageReceipt>();
  for (const row of rows) {
    receipts.set(`${row.content_address} ${row.backend_id}`, {
      backend_id: row.backend_id,
      content_address: row.content_address as ContentAddress,
      size: row.byte_length,
      stored_at: row.stored_at,
    });
  }
  return [...receipts.values()].sort(
    (a, b) => compareUtf8(a.content_address, b.content_address) || compareUtf8(a.backend_id, b.backend_id),
  );
}

/**
 * Finalising: the set of entries becomes a manifest, and the manifest the payload of the event that closes the package.
 *
 * The manifest is built before the transaction, because nothing but SQL runs while the head is held. The unit of work
 * then only looks whether anything has happened to the package since; if so, the manifest is built again.
 */
import { authorize } from "../access/decide.ts";
import { isRegistryError, RegistryError } from "../base/errors.ts";
import { encodeManifestInTurns, type Manifest, manifestDigest } from "../manifest/mod.ts";
import { describePackageArtifact } from "../manifest/package_artifact.ts";
import type { Caller } from "../spi/authenticator.ts";
import { newestOf } from "../views/files.ts";
import { loadOne, type Want, type Wants, want } from "../views/loader.ts";
import { packageById, releasedPackage } from "../views/packages.ts";
import type { ArtifactPackagesTable } from "../views/tables.ts";
import { type BuiltManifest, buildManifest, entriesOf } from "./build_manifest.ts";
import { caseClashes } from "./case_clash.ts";
import { versionExists } from "./create.ts";
import { checkOpen } from "./entry_unit.ts";
import { describe, findPackage } from "./read.ts";
import type { FinalizedPackage, PackageDeps } from "./types.ts";

const ATTEMPTS = 10;

/**
 * Closes a package for good. Finalising twice gives the same result.
 * @throws {RegistryError} `package_not_found`, `package_not_open` (abandoned), `path_conflict`, `version_exists`,
 * `limit_exceeded`, `conflict` when entries keep being added
 */
export async function finalizePackage(deps: PackageDeps, caller: Caller, packageId: string): Promise<FinalizedPackage> {
  authorize(caller, "package:finalize");
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const row = await findPackage(deps, caller, packageId);
    if (row.state === "finalized") return await describeAgain(deps, row);
    checkOpen(row, caller, packageId);
    const built = await buildManifest(deps, caller, row);
    const bytes = await encodeWithin(deps, built.manifest);
    // The reducer will ask for it, while the head is held.
    await describePackageArtifact(built.manifest, bytes, deps.hasher);
    if ((await commitManifest(deps, caller, row, built, bytes)) === "changed") continue;
    const finalized = await loadOne(deps.database.read, packageById, packageId);
    const digest = manifestDigest(bytes, deps.hasher);
    if (finalized === undefined || (finalized.manifest_digest !== digest && finalized.state !== "finalized")) {
      throw new RegistryError("internal", "The package was finalised, but its row does not say so", {
        package_id: packageId,
      });
    }
    const warnings = await caseClashes(built.manifest.files.map((entry) => entry.path));
    return { ...(await describe(deps, finalized)), warnings };
  }
  throw new RegistryError(
    "conflict",
    `Files were being added to ${packageId} while it was finalised; stop adding and finalise again`,
    {
      package_id: packageId,
    },
  );
}

/** Somebody has finalised it before: the same answer, from what there is. */
async function describeAgain(deps: PackageDeps, row: ArtifactPackagesTable): Promise<FinalizedPackage> {
  const paths: string[] = [];
  for await (const page of entriesOf(deps.database.read, row.package_id)) {
    for (const entry of page) paths.push(entry.path);
  }
  return { ...(await describe(deps, row)), warnings: await caseClashes(paths) };
}

/** JavaScript's engines hold no longer text than 512 MiB, and that is how PostgreSQL takes bytes: two digits each. */
const MOST = { sqlite: 900 * 1024 ** 2, postgres: 255 * 1024 ** 2 } as const;

async function encodeWithin({ database, limits }: PackageDeps, manifest: Manifest): Promise<Uint8Array> {
  const limit = Math.min(limits.maxManifestBytes, MOST[database.kind]);
  try {
    return await encodeManifestInTurns(manifest, limit);
  } catch (error) {
    if (!isRegistryError(error, "limit_exceeded")) throw error;
    throw new RegistryError(
      "limit_exceeded",
      `The manifest of these ${manifest.files.length} entries would be longer than ${limit} bytes; make several packages of them`,
      { limit, entries: manifest.files.length },
    );
  }
}

async function commitManifest(
  deps: PackageDeps,
  caller: Caller,
  row: ArtifactPackagesTable,
  { manifest, newest }: BuiltManifest,
  bytes: Uint8Array,
): Promise<"done" | "changed"> {
  const { package_id: packageId, tenant, name, version } = row;
  const wants: Record<string, Want<unknown>> = {
    package: want(packageById, packageId),
    newest: want(newestOf, packageId),
  };
  if (version !== null) wants.released = want(releasedPackage, { tenant, name, version });
  return await deps.ledger.commit<Wants, "done" | "changed">(caller, {
    wants,
    decide(found) {
      const current = found.package as ArtifactPackagesTable | undefined;
      if (current?.state === "finalized") return { events: [], result: "done" };
      checkOpen(current, caller, packageId);
      if (found.newest !== newest) return { events: [], result: "changed" };
      if (found.released !== undefined) throw versionExists(name, version ?? "");
      return {
        events: [{ type: "v1.package.finalized", subject: packageId, payload: manifest, payload_bytes: bytes }],
        result: "done",
      };
    },
  });
}

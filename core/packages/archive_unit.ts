/** The unit of work that puts a whole archive into a package, or nothing of it. */
import { isRegistryError, RegistryError } from "../base/errors.ts";
import { type StoredContent, storedEvent } from "../content/place.ts";
import type { NewEvent, PackageEntry } from "../events/types.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import type { Unit } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { entryByPath } from "../views/files.ts";
import { type Want, type Wants, want } from "../views/loader.ts";
import { type ObjectRecord, objectByAddress } from "../views/objects.ts";
import { packageById } from "../views/packages.ts";
import { retiredKey } from "../views/retired_keys.ts";
import type { ArtifactFilesTable, ArtifactPackagesTable } from "../views/tables.ts";
import type { ArchiveRefusal, PlanNode, Planned } from "./archive_plan.ts";
import { checkAncestors, checkOpen, checkReplace } from "./entry_unit.ts";

/** What became of one name of the archive. */
export interface ArchiveOutcome {
  readonly path: string;
  readonly kind: PackageEntry["kind"];
  /**
   * `added`: it is an entry now. `kept`: a directory that was in the package before. `implied`: a directory that is
   * there because something lies in it; only empty ones are entries.
   */
  readonly outcome: "added" | "kept" | "implied";
  /** Of files. Bytes. */
  readonly size?: number;
  readonly content_address?: ContentAddress;
}

export interface ArchiveReport {
  readonly package_id: string;
  readonly added: number;
  /** Bytes of the added files. */
  readonly bytes: number;
  /** In the order of the archive. */
  readonly entries: readonly ArchiveOutcome[];
}

/** Told at most; a caller who sends ten thousand bad names learns enough from these. */
const MAX_TOLD = 100;

export function archiveRefused(refusals: readonly ArchiveRefusal[]): RegistryError {
  const told = refusals.slice(0, MAX_TOLD);
  const [first] = told;
  return new RegistryError(
    "archive_refused",
    `${refusals.length} of the archive's entries cannot be taken, so none was; the first: ${first?.message}`,
    { refused: refusals.length, entries: told },
  );
}

/** @param contents what the data plane stored, by address */
export function archiveUnit(
  caller: Caller,
  packageId: string,
  nodes: readonly PlanNode[],
  contents: ReadonlyMap<string, StoredContent>,
): Unit<Wants, ArchiveReport> {
  const wants: Record<string, Want<unknown>> = { package: want(packageById, packageId) };
  for (const { pathKey } of nodes) wants[`entry ${pathKey}`] = want(entryByPath, { packageId, pathKey });
  // What leads to an archive's names are names of its tree, so all ancestors are wanted already.
  for (const [address, { result }] of contents) {
    const { backend_id: backendId, key } = result.location;
    wants[`object ${address}`] = want(objectByAddress, address);
    wants[`retired ${address}`] = want(retiredKey, { backendId, key });
  }
  return {
    wants,
    decide(found) {
      checkOpen(found.package as ArtifactPackagesTable | undefined, caller, packageId);
      const refusals: ArchiveRefusal[] = [];
      const events: NewEvent[] = [];
      const entries: ArchiveOutcome[] = [];
      let [added, bytes] = [0, 0];
      for (const [address, content] of contents) {
        const object = found[`object ${address}`] as ObjectRecord | undefined;
        const stored = storedEvent(content, object, found[`retired ${address}`] === true);
        if (stored !== undefined) events.push(stored);
      }
      for (const node of nodes) {
        const existing = found[`entry ${node.pathKey}`] as ArtifactFilesTable | undefined;
        const refusal = refusalOf(node, existing);
        if (refusal !== undefined) refusals.push(refusal);
        if (node.planned === undefined) continue;
        const entry = entryOf(node.planned);
        const { path, kind } = entry;
        if (kind === "directory" && (existing !== undefined || node.children !== undefined)) {
          entries.push({ path, kind, outcome: existing === undefined ? "implied" : "kept" });
          continue;
        }
        events.push({ type: "v1.package.file_ingested", subject: packageId, payload: entry });
        const facts = kind === "file" ? { size: entry.size, content_address: entry.content_address } : {};
        entries.push({ path, kind, outcome: "added", ...facts });
        added += 1;
        bytes += kind === "file" ? entry.size : 0;
      }
      if (refusals.length > 0) throw archiveRefused(refusals);
      return { events, result: { package_id: packageId, added, bytes, entries } };
    },
  };
}

/** Why the package has no room for this name. */
function refusalOf({ planned, pathKey }: PlanNode, existing: ArtifactFilesTable | undefined) {
  const path = planned?.path ?? pathKey;
  try {
    if (planned === undefined || planned.kind === "directory") checkAncestors(path, [existing]);
    else checkReplace(path, existing, false);
    return undefined;
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    return { path, code: error.code, message: error.message };
  }
}

function entryOf(planned: Planned): PackageEntry {
  switch (planned.kind) {
    case "directory":
      return { kind: "directory", path: planned.path };
    case "symlink":
      return { kind: "symlink", path: planned.path, target: planned.target };
    default: {
      const { content, executable } = planned.kind === "link" ? planned.to : planned;
      // The importer commits only when all bytes are stored.
      if (content === undefined) throw new RegistryError("internal", "A file of the archive has no content");
      return { kind: "file", path: planned.path, ...content, executable, media_type: null };
    }
  }
}

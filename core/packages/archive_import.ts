/** Bulk in: the entries of a tar, all of them in one unit of work, or none. */
import { authorize } from "../access/decide.ts";
import { isRegistryError } from "../base/errors.ts";
import { type ByteSource, collect } from "../base/stream.ts";
import { choosePlace, SMALL, type StoredContent } from "../content/place.ts";
import { coded } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { Placement } from "../spi/data_plane.ts";
import { entryByPath } from "../views/files.ts";
import { pathKeyOf } from "../views/keys.ts";
import { loadOne } from "../views/loader.ts";
import { packageById } from "../views/packages.ts";
import { ArchivePlan, type PlannedFile, tooManyEntries } from "./archive_plan.ts";
import { type ArchiveInputFormat, openArchive } from "./archive_source.ts";
import { type TarEntry, TarReader } from "./archive_tar_read.ts";
import { type ArchiveReport, archiveRefused, archiveUnit } from "./archive_unit.ts";
import { checkOpen, checkReplace } from "./entry_unit.ts";
import { checkPackageId } from "./read.ts";
import type { PackageDeps } from "./types.ts";

export interface ImportArchiveInput {
  readonly packageId: string;
  /** The bytes. A chunk's memory may be used again once two later chunks have been asked for. */
  readonly source: ByteSource;
  /** Default `tar`. */
  readonly format?: ArchiveInputFormat;
}

/** Files up to here are read into memory, so that the syncs of several overlap. Bytes. */
const BUFFERED = 64 * 1024;
const AT_ONCE = 16;

/**
 * Adds everything that a tar holds to an open package: files, symlinks, empty directories, the owner's executable bit.
 * Hard links become files of their own with the same content. Nothing is added unless everything is; what was stored
 * by then is garbage, as after a crash, and `doctor` sweeps it.
 *
 * @throws {RegistryError} `archive_refused` (`data.entries` says which and why), `invalid_archive`, `limit_exceeded`,
 * `unsupported` (compression), `package_not_found`, `package_not_open`, `cancelled`, `storage_*`, `database_*`,
 * `conflict` (try again)
 */
export async function importArchive(
  deps: PackageDeps,
  caller: Caller,
  input: ImportArchiveInput,
): Promise<ArchiveReport> {
  authorize(caller, "package:write");
  const { packageId, source, format = "tar" } = input;
  const { limits, zstd } = deps;
  checkPackageId(packageId);
  await coded(deps.database, async () =>
    checkOpen(await loadOne(deps.database.read, packageById, packageId), caller, packageId),
  );
  const plan = new ArchivePlan(limits);
  const contents = new ContentStore(deps, caller);
  const tar = new TarReader(openArchive(source, { format, limits, zstd, signal: caller.signal }));
  try {
    for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
      if (tar.headers > limits.maxArchiveEntries * 2) throw tooManyEntries(limits);
      const planned = plan.add(entry);
      // After a refusal the rest is read for the report only.
      if (planned?.kind !== "file" || plan.refusals.length > 0) continue;
      if (await isRefusedEarly(deps, plan, packageId, entry)) continue;
      await contents.store(planned, entry.size, tar.body());
    }
    await contents.settled();
  } finally {
    await contents.idle();
    await tar.close();
  }
  if (plan.refusals.length > 0) throw archiveRefused(plan.refusals);
  return await deps.ledger.commit(caller, archiveUnit(caller, packageId, plan.nodes, contents.byAddress));
}

/** Says no before gigabytes are stored; the unit of work decides again. */
async function isRefusedEarly(
  deps: PackageDeps,
  plan: ArchivePlan,
  packageId: string,
  { path, size }: TarEntry,
): Promise<boolean> {
  if (size <= SMALL) return false;
  try {
    await coded(deps.database, async () =>
      checkReplace(
        path,
        await loadOne(deps.database.read, entryByPath, { packageId, pathKey: pathKeyOf(path) }),
        false,
      ),
    );
    return false;
  } catch (error) {
    if (!isRegistryError(error, "path_exists") && !isRegistryError(error, "path_conflict")) throw error;
    plan.refuse(path, error);
    return true;
  }
}

/** Stores the archive's files: big ones as they come, small ones several at once. The first failure ends it. */
class ContentStore {
  readonly byAddress = new Map<string, StoredContent>();
  readonly #deps: PackageDeps;
  readonly #caller: Caller;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(deps: PackageDeps, caller: Caller) {
    this.#deps = deps;
    this.#caller = caller;
  }

  /** Has read all of `body` when it resolves. */
  async store(file: PlannedFile, size: number, body: AsyncIterable<Uint8Array>): Promise<void> {
    if (size > BUFFERED) return await this.#put(file, size, body);
    const bytes = await collect(body, BUFFERED);
    while (this.#running.size >= AT_ONCE) await Promise.race(this.#running);
    this.#throwFailure();
    const running = this.#put(file, size, once(bytes))
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Waits for what is under way. Never rejects. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async settled(): Promise<void> {
    await this.idle();
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #put(file: PlannedFile, size: number, body: AsyncIterable<Uint8Array>): Promise<void> {
    const { database, dataPlane, backendId, limits } = this.#deps;
    const { signal } = this.#caller;
    let generation = 0;
    const result = await dataPlane.ingest(body, {
      backend_id: backendId,
      max_size: limits.maxObjectBytes,
      expected_size: size,
      ...(signal === undefined ? {} : { signal }),
      place: async (facts, unusable): Promise<Placement> => {
        const known = this.byAddress.get(facts.address);
        // The log does not know yet what this archive brought a moment ago.
        if (known !== undefined && unusable === undefined) return { action: "reuse", location: known.result.location };
        const placement = await coded(database, () => choosePlace(this.#deps, facts, unusable));
        if (placement.action === "publish") generation = placement.generation;
        return placement;
      },
    });
    if (!this.byAddress.has(result.address)) this.byAddress.set(result.address, { result, generation });
    const { sha256 } = result.digests;
    file.content = { content_address: result.address, size: result.size, digests: { sha256: sha256.hex } };
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

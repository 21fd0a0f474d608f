/** After the restart: is everything there that was promised, and nothing that was not? */
import { readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { SCRATCH_MARK } from "../../adapters/database-sqlite/mod.ts";
import { type Caller, isRegistryError, localCaller, messageOf, type Registry } from "../../core/mod.ts";
import { checkImages } from "./check_images.ts";
import { sha256 } from "./load.ts";
import type { KnownPackage, Oracle } from "./oracle.ts";
import { openPlace, type Place } from "./worker.ts";

export interface Finding {
  readonly problems: string[];
  readonly files: number;
  /** Blobs, manifests and tags that were looked at. */
  readonly images: number;
  readonly events: number;
  /** What the crash left and `doctor --fix` took away. */
  readonly staged: number;
  readonly orphans: number;
  readonly scratch: number;
}

const caller: Caller = localCaller("oracle");
type Opened = Awaited<ReturnType<typeof openPlace>>;

export interface CheckOptions {
  /** Every package ever promised, not only those of the latest run. */
  readonly all: boolean;
  /** The power was gone: an upload may be lost of which no byte was acknowledged (core/content/upload_sessions.ts). */
  readonly powerCut?: boolean;
  /** Called first: tells the oracle of what a program did that does not report to it. */
  readonly adopt?: (registry: Registry) => Promise<void>;
  /** Collects the leftovers between the two looks of `doctor`; default: the library's. */
  readonly collect?: () => Promise<void>;
}

/** Opens the place, as a restart would, and looks at everything. Never throws for what it finds. */
export async function check(place: Place, oracle: Oracle, options: CheckOptions): Promise<Finding> {
  const problems: string[] = [...oracle.broken.splice(0)];
  const finding = { problems, files: 0, images: 0, events: 0, staged: 0, orphans: 0, scratch: 0 };
  let opened: Opened;
  try {
    opened = await openPlace(place);
  } catch (error) {
    problems.push(`does not open: ${messageOf(error)}`);
    return finding;
  }
  const { registry } = opened;
  try {
    await options.adopt?.(registry);
    for (const [id, known] of oracle.packages) {
      if (!options.all && !oracle.touched.has(id)) continue;
      finding.files += await checkPackage(registry, oracle, id, known, problems);
    }
    oracle.touched.clear();
    finding.images = await checkImages(opened, oracle, options, problems);
    finding.events = await checkLog(registry, problems);
    await checkLeftovers(opened, place, finding, options.collect);
  } catch (error) {
    problems.push(`a check failed: ${isRegistryError(error) ? error.code : ""} ${messageOf(error)}`);
  } finally {
    await registry.close();
  }
  return finding;
}

async function checkPackage(
  registry: Registry,
  oracle: Oracle,
  id: string,
  known: KnownPackage,
  problems: string[],
): Promise<number> {
  const complain = (what: string) => problems.push(`package ${id}: ${what}`);
  let found: Awaited<ReturnType<Registry["getPackage"]>>;
  try {
    found = await registry.getPackage(caller, id);
    known.certain = true;
  } catch (error) {
    if (known.certain || !isRegistryError(error, "package_not_found")) complain(`is lost: ${messageOf(error)}`);
    else oracle.packages.delete(id);
    return 0;
  }
  if (known.state === "finalized" && (found.state !== "finalized" || found.manifest_digest !== known.manifest)) {
    complain(`was finalised as ${known.manifest} and is ${found.state} ${found.manifest_digest}`);
  }
  if (known.state === "open" && found.state !== "open") complain(`is ${found.state}, which nobody asked for`);
  if (found.state === "finalized") {
    known.state = "finalized";
    known.manifest = found.manifest_digest ?? "";
  }

  const present = new Map<string, string>();
  for (let cursor: string | undefined; ; ) {
    const page = await registry.listFiles(caller, id, { limit: 500, ...(cursor !== undefined && { cursor }) });
    for (const entry of page.items) {
      if (entry.kind !== "file") continue;
      try {
        const { body } = await registry.openFile(caller, entry);
        const chunks: Uint8Array[] = [];
        for await (const chunk of body) chunks.push(chunk);
        const digest = sha256(Buffer.concat(chunks));
        if (digest !== entry.digests.sha256) complain(`${entry.path} reads as ${digest}, not as recorded`);
        present.set(entry.path, digest);
      } catch (error) {
        complain(`${entry.path} cannot be read: ${messageOf(error)}`);
        present.set(entry.path, entry.digests.sha256);
      }
    }
    if (page.cursor === undefined) break;
    cursor = page.cursor;
  }
  for (const [path, may] of known.files) {
    const content = present.get(path) ?? null;
    if (!may.has(content)) complain(`${path} holds ${content}, promised was ${[...may].join(" or ")}`);
    else oracle.settle(id, path, content);
  }
  for (const path of present.keys()) if (!known.files.has(path)) complain(`${path} is there, which nobody added`);

  const verdict = await registry.verifyPackage(caller, id);
  if (!verdict.ok) complain(`does not verify: ${JSON.stringify(verdict.damaged)} manifest ${verdict.manifest_ok}`);
  return present.size;
}

async function checkLog(registry: Registry, problems: string[]): Promise<number> {
  const verdict = await registry.verifyEvents(caller);
  if (!verdict.ok) problems.push(`the log does not verify: ${JSON.stringify(verdict.problem)}`);
  const replayed = await registry.checkReplay(caller);
  if (!replayed.ok) problems.push(`replay --check differs in ${replayed.differing.join(", ")}`);
  return verdict.events;
}

async function checkLeftovers(
  { registry, database }: Opened,
  place: Place,
  finding: { problems: string[]; staged: number; orphans: number; scratch: number },
  collect?: () => Promise<void>,
): Promise<void> {
  const { problems } = finding;
  const first = await registry.inspect(caller, { grace: 0 });
  finding.staged = first.staged.length;
  finding.orphans = first.orphans.length;
  finding.scratch = first.scratch.length;
  if (!first.healthy) problems.push(`doctor is not content: ${JSON.stringify({ ...first, orphans: [], staged: [] })}`);
  if (collect !== undefined) await collect();
  else await registry.fix(caller, { grace: 0, holder: "oracle" });
  const second = await registry.inspect(caller, { grace: 0 });
  if (!second.healthy || second.staged.length + second.orphans.length + second.scratch.length > 0) {
    problems.push(`doctor still finds something after --fix: ${JSON.stringify(second)}`);
  }
  // Not by doctor's word alone: what lies in the folder is what the views name.
  const lying = filesBelow(place.objects);
  const named = await database.read.selectFrom("storage_locations").select("storage_key").execute();
  const keys = new Set(named.map((row) => row.storage_key));
  const strangers = lying.filter((path) => !keys.has(path));
  const present = new Set(lying);
  const lost = [...keys].filter((key) => !present.has(key));
  if (strangers.length > 0) problems.push(`doctor overlooks ${strangers.length} files: ${strangers.slice(0, 3)}`);
  if (lost.length > 0) problems.push(`${lost.length} objects have a name and no bytes: ${lost.slice(0, 3)}`);
  if (place.database.kind === "sqlite") {
    const scratch = readdirSync(dirname(place.database.path)).filter((name) => name.includes(SCRATCH_MARK));
    if (scratch.length > 0) problems.push(`doctor overlooks scratch databases: ${scratch}`);
  }
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((e) => !e.isDirectory()).map((e) => relative(folder, join(e.parentPath, e.name)));
}

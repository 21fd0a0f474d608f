/** A directory into a package behind a server, whatever becomes of the network, the server or this process on the way. */
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { type Caller, type FileEntry, isRegistryError, type Package, type PackageEntry } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { ingestTree } from "../files/ingest_tree.ts";
import { openSteady } from "../files/steady_file.ts";
import { type Refused, type Walk, walk } from "../files/walk.ts";
import { type ExitCode, formatCount } from "../output.ts";
import { startProgress } from "../progress.ts";
import { createRemoteRegistry } from "../remote/registry.ts";
import type { Server } from "../remote/server.ts";
import type { Job } from "./job.ts";
import { type Journal, journalName, openJournal, type PushIdentity, stateFolder } from "./journal.ts";
import { takeLock } from "./lock.ts";
import { networkTarget, removeEntry } from "./network_target.ts";
import { createPatience, type Patience } from "./patience.ts";
import { type Left, reconcile } from "./reconcile.ts";
import { printDone, reportRefused } from "./report.ts";

export interface PushOptions {
  /** How long the server may be away, ms. */
  readonly patience: number;
  /** Gives up what an earlier run has begun. */
  readonly restart: boolean;
}

/** What everything below works with. */
interface Push {
  readonly context: CommandContext;
  readonly job: Job;
  readonly root: string;
  readonly caller: Caller;
  readonly server: Server;
  readonly patience: Patience;
  readonly registry: ReturnType<typeof createRemoteRegistry>;
  readonly journal: Journal;
}

const PAGE = 1000;
/** Entries that are taken out at once. */
const REMOVALS = 16;

export async function push(context: CommandContext, job: Job, options: PushOptions): Promise<ExitCode> {
  const { output, runtime, signal } = context;
  const { caller, server } = await context.open();
  if (server === undefined) throw new TypeError("A push goes through a server");
  const folder = stateFolder(runtime.env);
  const root = await realpath(job.root);
  const directory = job.origin ?? root;
  const who: PushIdentity = { server: server.url, directory, options: [job.input, job.sha512] };
  const path = join(folder, journalName(who));
  const lock = takeLock(`${path}.lock`, directory);
  try {
    const found = await walk(root, new Set([await realpath(folder)]), signal);
    reportRefused(output, found.refused, job.skipUnreadable);
    const journal = openJournal(path, who, (aside) =>
      output.note(`the journal of an earlier push is not one that this program understands; it lies in ${aside}`, {
        path: aside,
      }),
    );
    try {
      const known = journal.packageId !== undefined;
      const note = output.note.bind(output);
      const patience = createPatience(server, { limit: options.patience, known, note });
      const registry = createRemoteRegistry(patience.server);
      const all = { context, job, root, caller, server, patience, registry, journal };
      if (options.restart) await giveUp(all);
      return await carryOut(all, found);
    } finally {
      journal.close();
    }
  } finally {
    lock.release();
  }
}

async function carryOut(push: Push, found: Walk): Promise<ExitCode> {
  const { context, journal, registry, caller } = push;
  const { output } = context;
  const earlier = await findPackage(push, found);
  if (earlier?.state === "finalized") {
    output.note(`the package ${earlier.package_id} was finished already, with just these files`, {
      package_id: earlier.package_id,
    });
    // Asked again, it answers as it did.
    const finalized = await registry.finalizePackage(caller, earlier.package_id);
    journal.remove();
    return printDone(output, finalized, { ...countOf(found, journal), refused: found.refused });
  }
  const packageId = earlier?.package_id ?? (await createPackage(push));
  try {
    const { done, refused } = await sendAll(push, found, packageId, earlier === undefined);
    const finalized = await registry.finalizePackage(caller, packageId);
    journal.remove();
    return printDone(output, finalized, { ...done, refused: [...found.refused, ...refused] });
  } catch (error) {
    output.note(
      `the package ${packageId} stays open, with what it has; run the same command again to go on, or with --restart to begin anew`,
      { package_id: packageId },
    );
    throw error;
  }
}

/** The package of an earlier run, if it can be gone on with, or is done. */
async function findPackage(push: Push, found: Walk): Promise<Package | undefined> {
  const { context, journal, registry, caller } = push;
  const { packageId } = journal;
  if (packageId === undefined) return undefined;
  const anew = (what: string) => {
    const { begun } = journal;
    context.output.note(`the package ${packageId}, begun ${begun}, ${what}: this push begins anew`, {
      package_id: packageId,
      begun,
    });
    journal.startOver();
    return undefined;
  };
  let earlier: Package;
  try {
    earlier = await registry.getPackage(caller, packageId);
  } catch (error) {
    if (isRegistryError(error, "package_not_found")) return anew("is not there any more");
    throw error;
  }
  if (earlier.state === "abandoned") return anew("was abandoned");
  if (earlier.state === "finalized") {
    const same = await isSame(push, found, packageId);
    return same ? earlier : anew("was finished, and the directory has changed since");
  }
  const { begun, sent } = journal;
  const files = `${formatCount(sent.size)} ${sent.size === 1 ? "file is" : "files are"} there`;
  context.output.note(`goes on with package ${packageId}, begun ${begun}: ${files}`, {
    package_id: packageId,
    begun,
    files: sent.size,
  });
  return earlier;
}

async function createPackage({ job, journal, registry, caller }: Push): Promise<string> {
  try {
    const made = await registry.createPackage(caller, job.input, { idempotencyKey: journal.idempotencyKey });
    journal.notePackage(made.package_id);
    return made.package_id;
  } catch (error) {
    // Refused, so there is nothing to go on with. Otherwise the answer may be lost: the key finds it again.
    if (isRegistryError(error) && !["server_unavailable", "cancelled"].includes(error.code)) journal.remove();
    throw error;
  }
}

async function sendAll(push: Push, found: Walk, packageId: string, fresh: boolean) {
  const { context, job, journal, caller, server, patience } = push;
  const progress = startProgress(context.output, { label: "push" });
  try {
    progress.expect({ files: found.files, bytes: found.bytes });
    const left: Left = fresh
      ? { remove: [], done: [], add: found.entries, there: new Map() }
      : reconcile(found.entries, await entriesOf(push, packageId), journal.sent);
    await remove(push, packageId, left.remove);
    await cancelOrphans(push, new Set(found.entries.map(({ path }) => path)));
    const before = countOf({ entries: left.done }, journal);
    progress.advance({ files: before.files, bytes: before.bytes, earlier: true });
    const { there } = left;
    const { concurrency, sha512, expected } = job;
    const how = { sha512, ...(expected && { expected }) };
    const target = networkTarget({ server, patience, caller, packageId, journal, there, ...how });
    const now = await ingestTree(target, left.add, { concurrency, onProgress: progress.advance });
    progress.finish();
    reportRefused(context.output, now.refused, job.skipUnreadable);
    // What could not be read this time must not stay as it was the last time.
    await remove(
      push,
      packageId,
      now.refused.map(({ path }) => path).filter((path) => there.has(path)),
    );
    return { done: sum(before, now), refused: now.refused as readonly Refused[] };
  } finally {
    progress.finish();
  }
}

type Counts = Omit<Awaited<ReturnType<typeof ingestTree>>, "refused">;

function countOf({ entries }: Pick<Walk, "entries">, journal: Journal): Counts {
  const counts = { files: 0, directories: 0, symlinks: 0, bytes: 0, deduplicated_bytes: 0, deduplicated_files: 0 };
  for (const entry of entries) {
    if (entry.kind === "directory") counts.directories += 1;
    else if (entry.kind === "symlink") counts.symlinks += 1;
    else {
      counts.files += 1;
      counts.bytes += entry.size;
      if (journal.sent.get(entry.path)?.deduplicated !== true) continue;
      counts.deduplicated_files += 1;
      counts.deduplicated_bytes += entry.size;
    }
  }
  return counts;
}

function sum(one: Counts, { refused: _, ...other }: Awaited<ReturnType<typeof ingestTree>>): Counts {
  const keys = Object.keys(other) as (keyof Counts)[];
  return Object.fromEntries(keys.map((key) => [key, one[key] + other[key]])) as unknown as Counts;
}

async function entriesOf({ registry, caller }: Push, packageId: string): Promise<PackageEntry[]> {
  const entries: PackageEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await registry.listFiles(caller, packageId, {
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    entries.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return entries;
}

async function remove({ patience, caller }: Push, packageId: string, paths: readonly string[]): Promise<void> {
  for (let at = 0; at < paths.length; at += REMOVALS) {
    const some = paths.slice(at, at + REMOVALS);
    await Promise.all(some.map((path) => removeEntry(patience, caller, packageId, path)));
  }
}

/** Uploads of files that are not here any more. */
async function cancelOrphans({ server, caller, journal }: Push, paths: ReadonlySet<string>): Promise<void> {
  for (const { path, upload_id } of [...journal.uploads.values()]) {
    if (paths.has(path)) continue;
    journal.noteEnded(path);
    await server.ask(caller, (asked) => server.api.cancelUpload({ ...asked, path: { id: upload_id } })).catch(() => {});
  }
}

/** `--restart`. */
async function giveUp(push: Push): Promise<void> {
  const { context, journal, registry, caller } = push;
  const { packageId } = journal;
  if (packageId !== undefined) {
    try {
      await registry.abandonPackage(caller, { packageId, reason: "push --restart" });
      context.output.note(`the package ${packageId}, begun ${journal.begun}, is abandoned`, { package_id: packageId });
    } catch (error) {
      if (!isRegistryError(error, "package_not_found") && !isRegistryError(error, "package_not_open")) throw error;
    }
    await cancelOrphans(push, new Set());
  }
  journal.startOver();
}

/** Whether a finished package holds what the directory does. Reads what the journal does not know. */
async function isSame(push: Push, found: Walk, packageId: string): Promise<boolean> {
  const { journal, server, job } = push;
  const { remove, add, there } = reconcile(found.entries, await entriesOf(push, packageId), journal.sent);
  if (remove.length > 0 || add.length !== there.size) return false;
  for (const file of add) {
    if (file.kind !== "file") return false;
    const entry = there.get(file.path) as FileEntry;
    if (entry.size !== file.size || entry.executable !== file.executable) return false;
    const steady = await openSteady(file, server.hasher, job.sha512 ? ["sha512"] : []);
    try {
      if (String((await steady.digests()).address) !== entry.content_address) return false;
    } finally {
      await steady.close();
    }
  }
  return true;
}

import { realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf, parseDuration, RegistryError } from "../../core/mod.ts";
import type { Config } from "../config.ts";
import type { CommandContext, CommandSpec } from "../context.ts";
import { ingestTree } from "../files/ingest_tree.ts";
import { localTarget } from "../files/local_target.ts";
import { walk } from "../files/walk.ts";
import type { ExitCode } from "../output.ts";
import { startProgress } from "../progress.ts";
import { JOB_OPTIONS, type Job, PATIENCE, readJob } from "../push/job.ts";
import { printDone, reportRefused } from "../push/report.ts";

export const ingest: CommandSpec = {
  usage: "ingest <directory>",
  summary: "store a directory as a package and finalise it",
  options: JOB_OPTIONS,
  async run(context, [directory = ""], options) {
    return await ingestJob(context, await readJob(context, directory, options));
  },
};

/** Into the store of this machine, or through the server that is named. */
export async function ingestJob(context: CommandContext, job: Job): Promise<ExitCode> {
  if (context.config.client.server === undefined) return await ingestHere(context, job);
  // Loaded when it is wanted, as the client is.
  const { push } = await import("../push/push.ts");
  return await push(context, job, { patience: parseDuration(PATIENCE), restart: false });
}

async function ingestHere(context: CommandContext, job: Job): Promise<ExitCode> {
  const { output, signal } = context;
  const { root, skipUnreadable } = job;
  const { registry, caller } = await context.openHere();
  const found = await walk(root, await ownPlaces(context.config, root), signal);
  reportRefused(output, found.refused, skipUnreadable);
  const { package_id: packageId } = await registry.createPackage(caller, job.input);
  const progress = startProgress(output, { label: "ingest" });
  try {
    progress.expect({ files: found.files, bytes: found.bytes });
    const algorithms = job.sha512 ? (["sha512"] as const) : [];
    const { expected } = job;
    const target = localTarget(registry, caller, { packageId, algorithms, ...(expected && { expected }) });
    const onProgress = progress.advance;
    const done = await ingestTree(target, found.entries, { concurrency: job.concurrency, onProgress });
    progress.finish();
    reportRefused(output, done.refused, skipUnreadable);
    const finalized = await registry.finalizePackage(caller, packageId);
    return printDone(output, finalized, { ...done, refused: [...found.refused, ...done.refused] });
  } catch (error) {
    progress.finish();
    // What was stored stays as content; the package that nobody will finish is closed. The caller's signal may be
    // the reason, so the farewell does not listen to it.
    const { signal: _, ...farewell } = caller;
    await registry
      .abandonPackage(farewell, {
        packageId,
        reason: `ingest failed: ${messageOf(error)}`.slice(0, 500).toWellFormed(),
      })
      .catch(() => output.note(`the package ${packageId} stays open`, { package_id: packageId }));
    throw error;
  }
}

/**
 * Where this store keeps its own: `artifactstore ingest .` beside `./data` would otherwise store the store, while it
 * changes.
 */
async function ownPlaces(config: Config, root: string): Promise<ReadonlySet<string>> {
  const { database } = config;
  const files = database.kind === "sqlite" ? ["", "-wal", "-shm"].map((end) => database.path + end) : [];
  const real = (path: string) => realpath(path).catch(() => undefined);
  const places = await Promise.all([config.data.dir, config.storage.root, ...files].map(real));
  const own = new Set(places.filter((path) => path !== undefined));
  for (let at = await realpath(root), above = dirname(at); ; [at, above] = [above, dirname(above)]) {
    if (own.has(at))
      throw new RegistryError("invalid_argument", `${root} belongs to this store itself`, { directory: root });
    if (at === above) return own;
  }
}

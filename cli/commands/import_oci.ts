import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { loadHasher } from "../../adapters/hasher.ts";
import { DEFAULT_LIMITS, type ImportedPackage, RegistryError } from "../../core/mod.ts";
import { limitsOf } from "../compose.ts";
import { type CommandContext, type CommandSpec, option } from "../context.ts";
import { type Refused, walk } from "../files/walk.ts";
import { checkLayout } from "../oci/check_layout.ts";
import { type ImageRef, notNamed, parseImage } from "../oci/reference.ts";
import { withUnpacked } from "../oci/unpack_tar.ts";
import { type ExitCode, formatBytes, formatCount, type Output, printable } from "../output.ts";
import { startProgress } from "../progress.ts";
import { JOB_OPTIONS, type Job, readInput, readJob } from "../push/job.ts";
import { reportRefused } from "../push/report.ts";
import { ingestJob } from "./ingest.ts";

type Options = Readonly<Record<string, unknown>>;

export const importOci: CommandSpec = {
  usage: "import-oci <source>",
  summary: "make a package of an image: <repository>:<tag> of this store, or an image layout (directory or tar)",
  options: [
    ...JOB_OPTIONS.filter(({ long }) => long !== "--skip-unreadable"),
    option("--referrers", "with whatever refers to the image: signatures, SBOMs (a layout is taken as it is)"),
    option("--allow-missing", "go on where manifests name what is not there"),
  ],
  async run(context, [source = ""], options) {
    const path = resolve(context.runtime.cwd(), source);
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) return await importDirectory(context, path, options);
    if (found?.isFile()) {
      const origin = await realpath(path);
      const { config, signal } = context;
      const limits = { ...DEFAULT_LIMITS, ...limitsOf(config) };
      return await withUnpacked(path, { limits, signal }, (directory) =>
        importDirectory(context, directory, options, origin),
      );
    }
    const image = parseImage(source);
    if (image === undefined) throw notNamed(source);
    return await importImage(context, image, options);
  },
};

async function importImage(context: CommandContext, image: ImageRef, options: Options): Promise<ExitCode | undefined> {
  const made = await readInput(options);
  const { registry, caller } = await context.open();
  const referrers = options.referrers === true;
  const allowMissing = options.allowMissing === true;
  const imported = await registry.importOci(caller, { ...image, referrers, allowMissing, package: made });
  printImported(context.output, imported);
  return undefined;
}

/** @param origin what is named where the directory is one of the moment */
async function importDirectory(context: CommandContext, directory: string, options: Options, origin?: string) {
  const { output, signal } = context;
  const job: Job = { ...(await readJob(context, directory, options)), skipUnreadable: undefined };
  const found = await walk(job.root, new Set(), signal);
  reportRefused(output, found.refused, job.skipUnreadable);
  const [other] = found.refused;
  if (other !== undefined) throw notInLayouts(other);
  const progress = startProgress(output, { label: "check" });
  try {
    progress.expect({ files: found.files, bytes: found.bytes });
    const { digests } = await checkLayout(found, {
      hasher: await loadHasher(),
      allowMissing: options.allowMissing === true,
      signal,
      onProgress: progress.advance,
    });
    progress.finish();
    const sha512 = job.sha512 || [...digests.values()].some(({ algorithm }) => algorithm === "sha512");
    const expected = (path: string) => digests.get(path);
    return await ingestJob(context, { ...job, sha512, expected, ...(origin !== undefined && { origin }) });
  } finally {
    progress.finish();
  }
}

function notInLayouts({ path, reason }: Refused): RegistryError {
  const message = `${JSON.stringify(path)} ${reason}; an image layout has files and directories only`;
  return new RegistryError("unsupported", message, { path });
}

function printImported(output: Output, imported: ImportedPackage): void {
  for (const { message, ...data } of imported.warnings) output.note(`warning: ${printable(message)}`, data);
  const { import: done } = imported;
  const { deduplicated_bytes: kept, missing_count: missing } = done;
  output.print(imported, () => [
    `package       ${imported.package_id}`,
    `name          ${imported.name}${imported.version === null ? "" : `@${imported.version}`}`,
    `image         ${done.repository}, ${done.digest}`,
    `manifest      ${imported.manifest_digest}`,
    `files         ${formatCount(done.files)}: ${formatCount(done.manifests)} manifests, ${formatCount(done.blobs)} blobs`,
    `bytes         ${formatCount(done.bytes)} (${formatBytes(done.bytes)})`,
    `deduplicated  ${formatCount(kept)} (${formatBytes(kept)}) in ${formatCount(done.deduplicated_files)} files`,
    ...(missing > 0 ? [`missing       ${formatCount(missing)}, such as ${done.missing[0]}`] : []),
    `kept until    ${imported.expires_at ?? "for good"} (${imported.retention_class})`,
  ]);
}

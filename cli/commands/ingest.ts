import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Algorithm, messageOf, RegistryError } from "../../core/mod.ts";
import type { Config } from "../config.ts";
import { type CommandSpec, option, repeated, wholeNumber } from "../context.ts";
import { ingestTree } from "../files/ingest_tree.ts";
import { type Refused, walk } from "../files/walk.ts";
import { EXIT, formatBytes, formatCount, printable } from "../output.ts";
import { startProgress } from "../progress.ts";

interface IngestOptions {
  readonly name: string;
  readonly version?: string;
  readonly retentionClass: string;
  readonly metadata: readonly string[];
  readonly metadataFile?: string;
  readonly metadataSchema?: string;
  readonly ref: readonly string[];
  readonly concurrency: string;
  readonly sha512?: boolean;
  readonly skipUnreadable?: boolean;
}

export const ingest: CommandSpec = {
  usage: "ingest <directory>",
  summary: "store a directory as a package and finalise it",
  options: [
    option("--name <name>", "name of the package (OCI repository grammar)").makeOptionMandatory(),
    option("--version <tag>", "version; taken for good once finalised"),
    option(
      "--retention-class <class>",
      "how long it is kept: transient, working, standard-evidence, release-evidence, permanent-record",
    ).makeOptionMandatory(),
    repeated("--metadata <key=value>", "metadata text; may be repeated"),
    option("--metadata-file <file>", "metadata as a JSON object"),
    option("--metadata-schema <id>", "registered JSON Schema that the metadata must satisfy"),
    repeated("--ref <system:id[=url]>", "link to another system; may be repeated"),
    option("--concurrency <n>", "small files in work at once", "256"),
    option("--sha512", "record SHA-512 digests as well"),
    option("--skip-unreadable", "leave out what cannot be read instead of failing (exit code 3)"),
  ],
  async run(context, [directory = ""], given) {
    const { output, signal } = context;
    const options = given as unknown as IngestOptions;
    const metadata = await readMetadata(options);
    const externalRefs = options.ref.map(parseRef);
    const concurrency = wholeNumber("--concurrency", options.concurrency, 1, 256);
    const root = resolve(context.runtime.cwd(), directory);
    if (!(await stat(root).catch(() => undefined))?.isDirectory()) {
      throw new RegistryError("invalid_argument", `${root} is not a directory that can be read`, { directory: root });
    }
    const { registry, caller } = await context.open();
    const found = await walk(root, await ownPlaces(context.config, root), signal);
    report(context, found.refused);
    refuseUnreadable(found.refused, options);

    const created = await registry.createPackage(caller, {
      name: options.name,
      retentionClass: options.retentionClass,
      metadata,
      externalRefs,
      ...(options.version === undefined ? {} : { version: options.version }),
      ...(options.metadataSchema === undefined ? {} : { metadataSchema: options.metadataSchema }),
    });
    const packageId = created.package_id;
    const progress = startProgress(output, { label: "ingest" });
    try {
      progress.expect({ files: found.files, bytes: found.bytes });
      const algorithms: readonly Algorithm[] = options.sha512 === true ? ["sha512"] : [];
      const done = await ingestTree(registry, caller, found, {
        packageId,
        concurrency,
        algorithms,
        onProgress: (step) => progress.advance(step),
      });
      progress.finish();
      report(context, done.refused);
      refuseUnreadable(done.refused, options);
      const finalized = await registry.finalizePackage(caller, packageId);
      const refused = [...found.refused, ...done.refused];
      const { refused: _, ...counts } = done;
      output.print({ ...finalized, ingest: { ...counts, refused } }, () => [
        `package       ${packageId}`,
        `name          ${finalized.name}${finalized.version === null ? "" : `@${finalized.version}`}`,
        `manifest      ${finalized.manifest_digest}`,
        `files         ${formatCount(counts.files)}${counts.directories > 0 ? `, ${formatCount(counts.directories)} empty directories` : ""}${counts.symlinks > 0 ? `, ${formatCount(counts.symlinks)} symlinks` : ""}`,
        `bytes         ${formatCount(counts.bytes)} (${formatBytes(counts.bytes)})`,
        `deduplicated  ${formatCount(counts.deduplicated_bytes)} (${formatBytes(counts.deduplicated_bytes)}) in ${formatCount(counts.deduplicated_files)} files`,
        `kept until    ${finalized.expires_at ?? "for good"} (${finalized.retention_class})`,
        ...(refused.length > 0 ? [`left out      ${formatCount(refused.length)} (listed above)`] : []),
      ]);
      return refused.length > 0 ? EXIT.partial : EXIT.success;
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
  },
};

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

function report({ output }: Parameters<CommandSpec["run"]>[0], refused: readonly Refused[]): void {
  for (const { path, reason } of refused)
    output.note(`left out: ${printable(path)}: ${printable(reason)}`, { path, reason });
}

function refuseUnreadable(refused: readonly Refused[], options: IngestOptions): void {
  const unreadable = refused.filter((entry) => entry.unreadable);
  if (unreadable.length === 0 || options.skipUnreadable === true) return;
  throw new RegistryError(
    "source_changed",
    `${unreadable.length} ${unreadable.length === 1 ? "entry" : "entries"} could not be read (listed above); mend them, or leave them out with --skip-unreadable`,
    { unreadable: unreadable.slice(0, 100).map(({ path, reason }) => ({ path, reason })) },
  );
}

async function readMetadata(options: IngestOptions): Promise<Record<string, unknown>> {
  let document: unknown = {};
  if (options.metadataFile !== undefined) {
    try {
      document = JSON.parse(await readFile(options.metadataFile, "utf8"));
    } catch (error) {
      throw new RegistryError(
        "invalid_metadata",
        `${options.metadataFile} is not a JSON file that can be read: ${messageOf(error)}`,
      );
    }
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new RegistryError("invalid_metadata", `${options.metadataFile} holds no JSON object`);
  }
  const metadata = new Map(Object.entries(document));
  for (const pair of options.metadata) {
    const at = pair.indexOf("=");
    if (at <= 0) throw new RegistryError("invalid_argument", `--metadata takes key=value, not ${JSON.stringify(pair)}`);
    metadata.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return Object.fromEntries(metadata);
}

function parseRef(text: string) {
  const match = /^([^:=]+):([^=]+)(?:=(.+))?$/.exec(text);
  if (match === null)
    throw new RegistryError("invalid_argument", `--ref takes system:id or system:id=url, not ${JSON.stringify(text)}`);
  return { system: match[1] as string, id: match[2] as string, url: match[3] ?? null };
}

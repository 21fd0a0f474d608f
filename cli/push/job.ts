/** What `ingest` and `push` are asked to do: the same words for both. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type CreatePackageInput, type Digest, RegistryError } from "../../core/mod.ts";
import { type CommandContext, option, repeated, wholeNumber } from "../context.ts";
import { readJson } from "../files/small_file.ts";

interface Given {
  readonly name: string;
  readonly version?: string;
  readonly retentionClass: string;
  readonly metadata: readonly string[];
  readonly metadataFile?: string;
  readonly metadataSchema?: string;
  readonly ref: readonly string[];
  readonly concurrency?: string;
  readonly sha512?: boolean;
  readonly skipUnreadable?: boolean;
}

export interface Job {
  /** Absolute; a directory. */
  readonly root: string;
  readonly input: CreatePackageInput;
  readonly concurrency: number;
  readonly sha512: boolean;
  /** `undefined`: nobody can ask for it. */
  readonly skipUnreadable: boolean | undefined;
  /** Whose files these are, where the directory is one of the moment: an absolute path. */
  readonly origin?: string;
  /** What a file must have, where that is known before: `digest_mismatch` otherwise. */
  expected?(path: string): Digest | undefined;
}

/** Small files in work at once: writes of one machine share syncs, connections do not. */
const HERE = 256;
const OVER_THE_NETWORK = 16;

/** The limit is of canonical JSON, and a setting of who takes it; this one keeps a wrong file out of memory. Bytes. */
const MAX_METADATA_FILE = 64 * 1024 * 1024;

/** How long a push waits for a server that does not answer, unless it is told. */
export const PATIENCE = "10m";

export const JOB_OPTIONS = [
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
  option("--concurrency <n>", `files in work at once (default: ${HERE}, through a server ${OVER_THE_NETWORK})`),
  option("--sha512", "record SHA-512 digests as well"),
  option("--skip-unreadable", "leave out what cannot be read instead of failing (exit code 3)"),
];

/** @throws {RegistryError} whatever is wrong with the command line */
export async function readJob(
  { runtime, config }: CommandContext,
  directory: string,
  given: Readonly<Record<string, unknown>>,
): Promise<Job> {
  const options = given as unknown as Given;
  const input = await readInput(given);
  const usual = config.client.server === undefined ? HERE : OVER_THE_NETWORK;
  const concurrency = wholeNumber("--concurrency", options.concurrency ?? usual, 1, 256);
  const root = resolve(runtime.cwd(), directory);
  if (!(await stat(root).catch(() => undefined))?.isDirectory()) {
    throw new RegistryError("invalid_argument", `${root} is not a directory that can be read`, { directory: root });
  }
  const { sha512 = false, skipUnreadable = false } = options;
  return { root, input, concurrency, sha512, skipUnreadable };
}

/** The package that is wanted. @throws {RegistryError} whatever is wrong with the command line */
export async function readInput(given: Readonly<Record<string, unknown>>): Promise<CreatePackageInput> {
  const options = given as unknown as Given;
  const { name, retentionClass, version, metadataSchema } = options;
  return {
    name,
    retentionClass,
    metadata: await readMetadata(options),
    externalRefs: options.ref.map(parseRef),
    ...(version === undefined ? {} : { version }),
    ...(metadataSchema === undefined ? {} : { metadataSchema }),
  };
}

async function readMetadata(options: Given): Promise<NonNullable<CreatePackageInput["metadata"]>> {
  let document: unknown = {};
  if (options.metadataFile !== undefined) {
    document = await readJson(options.metadataFile, MAX_METADATA_FILE);
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

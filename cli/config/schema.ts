/**
 * Every setting, once. Names of environment variables, flags, examples, documentation and error messages are derived
 * from this table.
 */
import { DEFAULT_LIMITS } from "../../core/mod.ts";
import {
  addressRanges,
  byteSize,
  count,
  flag,
  hostNames,
  listen,
  oneOf,
  publicUrl,
  type Read,
  seconds,
  text,
} from "./values.ts";

interface Spec<T> {
  readonly summary: string;
  /** What an error message tells the reader to write. */
  readonly wanted: string;
  readonly read: Read<T>;
  readonly fallback: T;
}

const setting = <T>(read: Read<T>, fallback: T, summary: string, wanted: string): Spec<T> => ({
  ...{ summary, wanted, read, fallback },
});
/** Not set, it follows from another setting or means none. */
const optional = <T>(read: Read<T>, summary: string, wanted: string): Spec<T | undefined> =>
  setting<T | undefined>(read, undefined, summary, wanted);
const DAY = 86_400;
const time = (summary: string, fallback: number) =>
  setting(seconds(), fallback, summary, "a time up to 24h, such as 30s, 2m or 0 for none");

export const schema = {
  server: {
    listen: setting(
      listen,
      "127.0.0.1:8000",
      "Address and port that the server listens on.",
      'host:port, such as "127.0.0.1:8000" or "[::1]:8000"',
    ),
    insecure: setting(
      flag,
      false,
      "Allow an address that other machines reach although nobody is asked who they are, or nothing is encrypted.",
      "true or false",
    ),
    tls_cert: optional(text, "Certificate chain for TLS, read again when it changes.", "the path of a PEM file"),
    tls_key: optional(text, "Private key of tls_cert.", "the path of a PEM file"),
    public_url: optional(
      publicUrl,
      "What clients know this server by, when that is not where it listens.",
      'a URL without query, such as "https://artifacts.example.org"',
    ),
    trust_proxy: setting(
      addressRanges,
      [],
      "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
      'addresses or CIDR ranges, such as ["127.0.0.1", "10.0.0.0/8"] (outside TOML: with commas between them)',
    ),
    read_timeout: time("How long the headers of a request, or a JSON body, may take.", 30),
    idle_timeout: time("How long a connection may stay open without a request.", 120),
    write_timeout: time("How long an answer may take, however large it is.", 0),
    shutdown_timeout: time("How long running requests may take when the server stops.", 60),
    allowed_hosts: setting(
      hostNames,
      [],
      "More Host names to answer to, such as the name of a reverse proxy.",
      'host names without ports, such as ["artifacts.example.org"] (outside TOML: with commas between them)',
    ),
  },
  client: {
    server: optional(
      publicUrl,
      "Server through which commands work, instead of on the data of this machine.",
      'an http or https URL without user, password or query, such as "http://127.0.0.1:8000"',
    ),
  },
  data: {
    dir: setting(text, "./data", "Directory for everything that is kept on this machine.", "a path"),
  },
  database: {
    url: optional(
      text,
      "The database.",
      'a URL such as "sqlite:///var/lib/artifact-store/artifact-store.db", "sqlite:///./data/artifact-store.db" (relative) or "postgres://user:password@host/name"',
    ),
  },
  storage: {
    url: optional(
      text,
      "Where the bytes of artifacts are kept.",
      'a URL such as "file:///var/lib/artifact-store/objects" or "file:///./data/objects" (relative)',
    ),
    local_root: optional(text, "The same as storage.url, written as a path.", "a path"),
  },
  log: {
    level: setting(
      oneOf("debug", "info", "warn", "error"),
      "info",
      "How much is logged.",
      "debug, info, warn or error",
    ),
    format: setting(oneOf("text", "json"), "text", "How the log of the server is written.", "text or json"),
  },
  limits: {
    max_object_bytes: setting(
      byteSize,
      DEFAULT_LIMITS.maxObjectBytes,
      "Largest file.",
      "a size above zero, such as 1073741824 or 1GiB",
    ),
    max_files_per_package: setting(
      count,
      DEFAULT_LIMITS.maxFilesPerPackage,
      "Most entries in one package.",
      "a whole number above zero",
    ),
    max_manifest_bytes: setting(
      byteSize,
      DEFAULT_LIMITS.maxManifestBytes,
      "Largest manifest of a package, as CBOR.",
      "a size above zero, such as 64MiB",
    ),
    max_metadata_bytes: setting(
      byteSize,
      DEFAULT_LIMITS.maxMetadataBytes,
      "Largest metadata document of a package.",
      "a size above zero, such as 1048576 or 1MiB",
    ),
    max_external_refs: setting(
      count,
      DEFAULT_LIMITS.maxExternalRefs,
      "Most links of a package to other systems.",
      "a whole number above zero",
    ),
    max_archive_entries: setting(
      count,
      DEFAULT_LIMITS.maxArchiveEntries,
      "Most names in one archive, directories counted.",
      "a whole number above zero",
    ),
    max_archive_bytes: setting(
      byteSize,
      DEFAULT_LIMITS.maxArchiveBytes,
      "Largest archive, uncompressed.",
      "a size above zero, such as 64GiB",
    ),
    max_archive_ratio: setting(
      count,
      DEFAULT_LIMITS.maxArchiveRatio,
      "How many times its compressed size an archive may have.",
      "a whole number above zero",
    ),
    max_open_uploads: setting(
      count,
      DEFAULT_LIMITS.maxOpenUploads,
      "Most uploads that one principal may have open.",
      "a whole number above zero",
    ),
    max_json_bytes: setting(
      byteSize,
      1024 * 1024,
      "Largest body of JSON.",
      "a size above zero, such as 1048576 or 1MiB",
    ),
    max_header_bytes: setting(
      byteSize,
      16 * 1024,
      "Largest headers of a request, all together.",
      "a size above zero, such as 16384 or 16KiB",
    ),
    max_headers: setting(count, 100, "Most headers of a request.", "a whole number above zero"),
    max_url_bytes: setting(byteSize, 16 * 1024, "Longest URL.", "a size above zero, such as 16384 or 16KiB"),
    max_in_flight: setting(
      count,
      1024,
      "Most requests that wait for their answer at once.",
      "a whole number above zero",
    ),
    max_connections: setting(count, 4096, "Most connections at once.", "a whole number above zero"),
    min_rate_bytes: setting(
      byteSize,
      1024,
      "Bytes a second that a client must send or take while it is waited for.",
      "a size above zero, such as 1KiB",
    ),
    min_rate_window: time("How long a client may be slower than min_rate_bytes, or silent, within a body.", 60),
  },
  reads: {
    verify: setting(flag, true, "Re-digest every whole file while it is read.", "true or false"),
  },
  oci: {
    sparse_indexes: setting(flag, true, "Take an index whose manifests are not there.", "true or false"),
    sparse_images: setting(flag, false, "Take an image whose blobs are not there.", "true or false"),
    history_protection: setting(
      seconds(3650 * DAY),
      14 * DAY,
      "How long what a tag pointed at stays protected after the tag moved on.",
      "a time up to 3650d, such as 14d, 36h or 0 for none",
    ),
  },
} satisfies Record<string, Record<string, unknown>>;

type Schema = typeof schema;
/** `section.key`. */
export type SettingKey = {
  [Section in keyof Schema & string]: `${Section}.${keyof Schema[Section] & string}`;
}[keyof Schema & string];

/** Every value as it was read. */
export type RawSettings = {
  readonly [Section in keyof Schema]: {
    readonly [Name in keyof Schema[Section]]: Schema[Section][Name] extends Spec<infer T> ? T : never;
  };
};

export interface Setting extends Pick<Spec<unknown>, "summary" | "wanted" | "read"> {
  readonly key: SettingKey;
  readonly section: string;
  readonly name: string;
  /** `ARTIFACTSTORE_<SECTION>_<KEY>` first, short names after it. */
  readonly env: readonly string[];
  /** As written when nothing is set; `undefined` where it follows from another setting. */
  readonly defaultValue: unknown;
}

/** Documented short names. */
const ALIASES: Partial<Record<SettingKey, readonly string[]>> = {
  "server.listen": ["ARTIFACTSTORE_LISTEN"],
  "client.server": ["ARTIFACTSTORE_SERVER"],
};

export const ENV_PREFIX = "ARTIFACTSTORE_";
/** Names with our prefix that are no settings of the schema. */
export const ENV_EXEMPT: readonly string[] = ["ARTIFACTSTORE_CONFIG"];
export const ENV_EXEMPT_PREFIXES: readonly string[] = ["ARTIFACTSTORE_TEST_"];

export const settings: readonly Setting[] = Object.entries(schema).flatMap(([section, specs]) =>
  Object.entries<Spec<unknown>>(specs).map(([name, { summary, wanted, read, fallback }]): Setting => {
    const key = `${section}.${name}` as SettingKey;
    const env = [`${ENV_PREFIX}${section}_${name}`.toUpperCase(), ...(ALIASES[key] ?? [])];
    return { key, section, name, env, summary, wanted, read, defaultValue: fallback };
  }),
);

const byKey = new Map(settings.map((setting) => [setting.key as string, setting]));
export const findSetting = (key: string): Setting | undefined => byKey.get(key);

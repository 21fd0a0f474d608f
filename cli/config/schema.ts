/**
 * Every setting, once. Names of environment variables, flags, examples, documentation and error messages are derived
 * from this table.
 */

import { z } from "zod";
import { DEFAULT_LIMITS } from "../../core/mod.ts";
import {
  addressRanges,
  byteSize,
  count,
  flag,
  hostNames,
  parseListen,
  publicUrl,
  type SettingMeta,
  seconds,
} from "./values.ts";

const meta = (summary: string, wanted: string): SettingMeta & Record<string, unknown> => ({ summary, wanted });
const text = z.string().min(1);
const DAY = 86_400;
const time = (summary: string, fallback: number) =>
  seconds().default(fallback).meta(meta(summary, "a time up to 24h, such as 30s, 2m or 0 for none"));

export const schema = z.strictObject({
  server: z.strictObject({
    listen: text
      .refine((value) => parseListen(value) !== undefined)
      .default("127.0.0.1:8000")
      .meta(
        meta("Address and port that the server listens on.", 'host:port, such as "127.0.0.1:8000" or "[::1]:8000"'),
      ),
    insecure: flag()
      .default(false)
      .meta(
        meta(
          "Allow an address that other machines reach although nobody is asked who they are, or nothing is encrypted.",
          "true or false",
        ),
      ),
    tls_cert: text
      .optional()
      .meta(meta("Certificate chain for TLS, read again when it changes.", "the path of a PEM file")),
    tls_key: text.optional().meta(meta("Private key of tls_cert.", "the path of a PEM file")),
    public_url: publicUrl()
      .optional()
      .meta(
        meta(
          "What clients know this server by, when that is not where it listens.",
          'a URL without query, such as "https://artifacts.example.org"',
        ),
      ),
    trust_proxy: addressRanges()
      .default([])
      .meta(
        meta(
          "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
          'addresses or CIDR ranges, such as ["127.0.0.1", "10.0.0.0/8"] (outside TOML: with commas between them)',
        ),
      ),
    read_timeout: time("How long the headers of a request, or a JSON body, may take.", 30),
    idle_timeout: time("How long a connection may stay open without a request.", 120),
    write_timeout: time("How long an answer may take, however large it is.", 0),
    shutdown_timeout: time("How long running requests may take when the server stops.", 60),
    allowed_hosts: hostNames()
      .default([])
      .meta(
        meta(
          "More Host names to answer to, such as the name of a reverse proxy.",
          'host names without ports, such as ["artifacts.example.org"] (outside TOML: with commas between them)',
        ),
      ),
  }),
  client: z.strictObject({
    server: publicUrl()
      .optional()
      .meta(
        meta(
          "Server through which commands work, instead of on the data of this machine.",
          'an http or https URL without user, password or query, such as "http://127.0.0.1:8000"',
        ),
      ),
  }),
  data: z.strictObject({
    dir: text.default("./data").meta(meta("Directory for everything that is kept on this machine.", "a path")),
  }),
  database: z.strictObject({
    url: text
      .optional()
      .meta(
        meta(
          "The database.",
          'a URL such as "sqlite:///var/lib/artifact-store/artifact-store.db", "sqlite:///./data/artifact-store.db" (relative) or "postgres://user:password@host/name"',
        ),
      ),
  }),
  storage: z.strictObject({
    url: text
      .optional()
      .meta(
        meta(
          "Where the bytes of artifacts are kept.",
          'a URL such as "file:///var/lib/artifact-store/objects" or "file:///./data/objects" (relative)',
        ),
      ),
    local_root: text.optional().meta(meta("The same as storage.url, written as a path.", "a path")),
  }),
  log: z.strictObject({
    level: z
      .enum(["debug", "info", "warn", "error"])
      .default("info")
      .meta(meta("How much is logged.", "debug, info, warn or error")),
    format: z
      .enum(["text", "json"])
      .default("text")
      .meta(meta("How the log of the server is written.", "text or json")),
  }),
  limits: z.strictObject({
    max_object_bytes: byteSize()
      .default(DEFAULT_LIMITS.maxObjectBytes)
      .meta(meta("Largest file.", "a size above zero, such as 1073741824 or 1GiB")),
    max_files_per_package: count()
      .default(DEFAULT_LIMITS.maxFilesPerPackage)
      .meta(meta("Most entries in one package.", "a whole number above zero")),
    max_manifest_bytes: byteSize()
      .default(DEFAULT_LIMITS.maxManifestBytes)
      .meta(meta("Largest manifest of a package, as CBOR.", "a size above zero, such as 64MiB")),
    max_metadata_bytes: byteSize()
      .default(DEFAULT_LIMITS.maxMetadataBytes)
      .meta(meta("Largest metadata document of a package.", "a size above zero, such as 1048576 or 1MiB")),
    max_external_refs: count()
      .default(DEFAULT_LIMITS.maxExternalRefs)
      .meta(meta("Most links of a package to other systems.", "a whole number above zero")),
    max_archive_entries: count()
      .default(DEFAULT_LIMITS.maxArchiveEntries)
      .meta(meta("Most names in one archive, directories counted.", "a whole number above zero")),
    max_archive_bytes: byteSize()
      .default(DEFAULT_LIMITS.maxArchiveBytes)
      .meta(meta("Largest archive, uncompressed.", "a size above zero, such as 64GiB")),
    max_archive_ratio: count()
      .default(DEFAULT_LIMITS.maxArchiveRatio)
      .meta(meta("How many times its compressed size an archive may have.", "a whole number above zero")),
    max_open_uploads: count()
      .default(DEFAULT_LIMITS.maxOpenUploads)
      .meta(meta("Most uploads that one principal may have open.", "a whole number above zero")),
    max_json_bytes: byteSize()
      .default(1024 * 1024)
      .meta(meta("Largest body of JSON.", "a size above zero, such as 1048576 or 1MiB")),
    max_header_bytes: byteSize()
      .default(16 * 1024)
      .meta(meta("Largest headers of a request, all together.", "a size above zero, such as 16384 or 16KiB")),
    max_headers: count().default(100).meta(meta("Most headers of a request.", "a whole number above zero")),
    max_url_bytes: byteSize()
      .default(16 * 1024)
      .meta(meta("Longest URL.", "a size above zero, such as 16384 or 16KiB")),
    max_in_flight: count()
      .default(1024)
      .meta(meta("Most requests that wait for their answer at once.", "a whole number above zero")),
    max_connections: count().default(4096).meta(meta("Most connections at once.", "a whole number above zero")),
    min_rate_bytes: byteSize()
      .default(1024)
      .meta(
        meta(
          "Bytes a second that a client must send or take while it is waited for.",
          "a size above zero, such as 1KiB",
        ),
      ),
    min_rate_window: time("How long a client may be slower than min_rate_bytes, or silent, within a body.", 60),
  }),
  reads: z.strictObject({
    verify: flag().default(true).meta(meta("Re-digest every whole file while it is read.", "true or false")),
  }),
  oci: z.strictObject({
    sparse_indexes: flag().default(true).meta(meta("Take an index whose manifests are not there.", "true or false")),
    sparse_images: flag().default(false).meta(meta("Take an image whose blobs are not there.", "true or false")),
    history_protection: seconds(3650 * DAY)
      .default(14 * DAY)
      .meta(
        meta(
          "How long what a tag pointed at stays protected after the tag moved on.",
          "a time up to 3650d, such as 14d, 36h or 0 for none",
        ),
      ),
  }),
});

type Shape = (typeof schema)["shape"];
/** `section.key`. */
export type SettingKey = {
  [Section in keyof Shape & string]: `${Section}.${keyof Shape[Section]["shape"] & string}`;
}[keyof Shape & string];

export type RawSettings = z.output<typeof schema>;

export interface Setting extends SettingMeta {
  readonly key: SettingKey;
  readonly section: string;
  readonly name: string;
  /** `ARTIFACTSTORE_<SECTION>_<KEY>` first, short names after it. */
  readonly env: readonly string[];
  /** As written when nothing is set; `undefined` where it follows from another setting. */
  readonly defaultValue: unknown;
  readonly type: z.ZodType;
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

export const settings: readonly Setting[] = Object.entries(schema.shape).flatMap(([section, object]) =>
  Object.entries(object.shape).map(([name, type]: [string, z.ZodType]): Setting => {
    const key = `${section}.${name}` as SettingKey;
    const { summary, wanted } = type.meta() as unknown as SettingMeta;
    const env = [`${ENV_PREFIX}${section}_${name}`.toUpperCase(), ...(ALIASES[key] ?? [])];
    return { key, section, name, env, summary, wanted, defaultValue: type.parse(undefined), type };
  }),
);

const byKey = new Map(settings.map((setting) => [setting.key as string, setting]));
export const findSetting = (key: string): Setting | undefined => byKey.get(key);

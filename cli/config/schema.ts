/**
 * Every setting, once. Names of environment variables, flags, examples, documentation and error messages are derived
 * from this table.
 */

import { z } from "zod";
import { DEFAULT_LIMITS } from "../../core/mod.ts";
import { byteSize, count, flag, hostNames, parseListen, type SettingMeta } from "./values.ts";

const meta = (summary: string, wanted: string): SettingMeta & Record<string, unknown> => ({ summary, wanted });
const text = z.string().min(1);

export const schema = z.strictObject({
  server: z.strictObject({
    listen: text
      .refine((value) => parseListen(value) !== undefined)
      .default("127.0.0.1:8000")
      .meta(
        meta("Address and port that the server listens on.", 'host:port, such as "127.0.0.1:8000" or "[::1]:8000"'),
      ),
    insecure_http: flag()
      .default(false)
      .meta(meta("Allow an address beyond this machine although nothing is encrypted.", "true or false")),
    allowed_hosts: hostNames()
      .default([])
      .meta(
        meta(
          "More Host names to answer to, such as the name of a reverse proxy.",
          'host names without ports, such as ["artifacts.example.org"] (outside TOML: with commas between them)',
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
  }),
  limits: z.strictObject({
    max_object_bytes: byteSize()
      .default(DEFAULT_LIMITS.maxObjectBytes)
      .meta(meta("Largest file.", "a size above zero, such as 1073741824 or 1GiB")),
    max_files_per_package: count()
      .default(DEFAULT_LIMITS.maxFilesPerPackage)
      .meta(meta("Most entries in one package.", "a whole number above zero")),
    max_metadata_bytes: byteSize()
      .default(DEFAULT_LIMITS.maxMetadataBytes)
      .meta(meta("Largest metadata document of a package.", "a size above zero, such as 1048576 or 1MiB")),
  }),
  reads: z.strictObject({
    verify: flag().default(true).meta(meta("Re-digest every whole file while it is read.", "true or false")),
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
const ALIASES: Partial<Record<SettingKey, readonly string[]>> = { "server.listen": ["ARTIFACTSTORE_LISTEN"] };

export const ENV_PREFIX = "ARTIFACTSTORE_";
/** Names with our prefix that are no settings of the schema. */
export const ENV_EXEMPT: readonly string[] = ["ARTIFACTSTORE_CONFIG", "ARTIFACTSTORE_SERVER"];
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

import { authorize } from "../access/decide.ts";
import { toTimestamp } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import { parseJcsText } from "../base/jcs.ts";
import type { ExternalRef, JsonMap, NewEvent, RetentionMode } from "../events/types.ts";
import type { Caller } from "../spi/authenticator.ts";
import { loadOne, type Wants, want } from "../views/loader.ts";
import { metadataSchemaById } from "../views/metadata_schemas.ts";
import { packageById, releasedPackage } from "../views/packages.ts";
import { retentionClassByName } from "../views/retention_classes.ts";
import type { RetentionClassesTable } from "../views/tables.ts";
import { checkExternalRefs, checkJsonMap, isSchemaId, validateAgainst } from "./metadata.ts";
import { checkName, checkVersion } from "./names.ts";
import type { Package, PackageDeps } from "./types.ts";

export interface CreatePackageInput {
  /** OCI repository grammar, 200 bytes at most; many packages may share a name. */
  readonly name: string;
  /** OCI tag grammar; taken for good once a package with it is finalised. */
  readonly version?: string;
  /** Name of a registered retention class. */
  readonly retentionClass: string;
  /** A JSON object. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Id of a registered JSON Schema that `metadata` must satisfy. */
  readonly metadataSchema?: string;
  readonly externalRefs?: readonly { readonly system: string; readonly id: string; readonly url?: string | null }[];
}

const DAY = 24 * 60 * 60 * 1000;

/**
 * Opens a package and applies the default of its retention class.
 * @throws {RegistryError} `invalid_name`, `invalid_metadata`, `unknown_retention_class`, `unknown_metadata_schema`,
 * `version_exists`, `limit_exceeded`, `access_denied`
 */
export async function createPackage(deps: PackageDeps, caller: Caller, input: CreatePackageInput): Promise<Package> {
  authorize(caller, "package:create");
  const made = await createChecked(deps, caller, checkInput(deps, input), deps.ids.uuid());
  if (made === undefined) throw new RegistryError("internal", "A fresh package id was taken already; try again");
  return made;
}

/** What the event will say of a package. */
export interface CheckedPackage {
  readonly name: string;
  readonly version: string | null;
  readonly retention_class: string;
  readonly metadata: JsonMap;
  readonly metadata_schema: string | null;
  readonly external_refs: ExternalRef[];
}

/** All that can be said of an input without the database, copied. @throws {RegistryError} as {@link createPackage} */
export function checkInput({ limits }: PackageDeps, input: CreatePackageInput): CheckedPackage {
  checkName(input.name);
  if (input.version !== undefined) checkVersion(input.version);
  // No class has such a name, and PostgreSQL could not even be asked for it.
  if (input.retentionClass.includes("\0")) throw unknownClass(input.retentionClass);
  return {
    name: input.name,
    version: input.version ?? null,
    retention_class: input.retentionClass,
    metadata: checkJsonMap(input.metadata ?? {}, "The metadata", limits.maxMetadataBytes),
    metadata_schema: input.metadataSchema ?? null,
    external_refs: checkExternalRefs(input.externalRefs ?? [], limits.maxExternalRefs),
  };
}

/** Opens a package under this id; `undefined` when there is one already, made by an earlier attempt. */
export async function createChecked(
  deps: PackageDeps,
  caller: Caller,
  created: CheckedPackage,
  packageId: string,
): Promise<Package | undefined> {
  const { name, version, retention_class: retentionClass, metadata_schema: schemaId } = created;
  if (schemaId !== null) await checkMetadata(deps, caller, created.metadata, schemaId);
  const release = { tenant: caller.tenant, name, version: version ?? "" };
  return await deps.ledger.commit<Wants, Package | undefined>(caller, {
    wants: {
      package: want(packageById, packageId),
      retentionClass: want(retentionClassByName, retentionClass),
      ...(version === null ? {} : { released: want(releasedPackage, release) }),
    },
    decide(found, { now }) {
      if (found.package !== undefined) return { events: [], result: undefined };
      const retention = found.retentionClass as RetentionClassesTable | undefined;
      if (retention === undefined) throw unknownClass(retentionClass);
      if (found.released !== undefined) throw versionExists(name, version ?? "");
      const mode = retention.mode as RetentionMode;
      const expiresAt =
        retention.duration_days === null ? null : toTimestamp(Date.parse(now) + retention.duration_days * DAY);
      const events: NewEvent[] = [
        { type: "v1.package.created", subject: packageId, payload: created },
        {
          type: "v1.retention.default_applied",
          subject: packageId,
          payload: { retention_class: retention.name, mode, expires_at: expiresAt },
        },
      ];
      const result: Package = {
        package_id: packageId,
        tenant: caller.tenant,
        ...created,
        state: "open",
        retention_mode: mode,
        expires_at: expiresAt,
        created_at: now,
        created_by: caller.principal.subject,
        finalized_at: null,
        finalized_by: null,
        manifest_digest: null,
        file_count: null,
        total_bytes: null,
      };
      return { events, result };
    },
  });
}

/** A registered schema never changes, so this check holds whenever the package is committed. */
async function checkMetadata(deps: PackageDeps, caller: Caller, metadata: JsonMap, schemaId: string): Promise<void> {
  const key = { tenant: caller.tenant, schemaId };
  const row = isSchemaId(schemaId) ? await loadOne(deps.database.read, metadataSchemaById, key) : undefined;
  if (row === undefined) {
    throw new RegistryError(
      "unknown_metadata_schema",
      `No metadata schema ${JSON.stringify(schemaId.slice(0, 200))} is registered`,
      {
        schema_id: schemaId.slice(0, 200),
      },
    );
  }
  validateAgainst(metadata, schemaId, parseJcsText(row.schema_json) as JsonMap);
}

function unknownClass(name: string): RegistryError {
  return new RegistryError(
    "unknown_retention_class",
    `There is no retention class ${JSON.stringify(name.slice(0, 100))}; use transient, working, standard-evidence, release-evidence, permanent-record or one that was registered`,
    { retention_class: name.slice(0, 100) },
  );
}

export function versionExists(name: string, version: string): RegistryError {
  return new RegistryError(
    "version_exists",
    `${name}@${version} exists already, and a finalised version never changes; choose another version`,
    {
      name,
      version,
    },
  );
}

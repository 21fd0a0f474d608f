import { authorize } from "../access/decide.ts";
import { toTimestamp } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import { parseJcsText } from "../base/jcs.ts";
import type { JsonMap, NewEvent, RetentionMode } from "../events/types.ts";
import type { Caller } from "../spi/authenticator.ts";
import { loadOne, want } from "../views/loader.ts";
import { metadataSchemaById } from "../views/metadata_schemas.ts";
import { releasedPackage } from "../views/packages.ts";
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
  checkName(input.name);
  const version = input.version ?? null;
  if (version !== null) checkVersion(version);
  const metadata = checkJsonMap(input.metadata ?? {}, "The metadata", deps.limits.maxMetadataBytes);
  const externalRefs = checkExternalRefs(input.externalRefs ?? [], deps.limits.maxExternalRefs);
  // No class has such a name, and PostgreSQL could not even be asked for it.
  if (input.retentionClass.includes("\0")) throw unknownClass(input.retentionClass);
  const schemaId = input.metadataSchema ?? null;
  if (schemaId !== null) await checkMetadata(deps, caller, metadata, schemaId);

  const packageId = deps.ids.uuid();
  const release = { tenant: caller.tenant, name: input.name, version: version ?? "" };
  return await deps.ledger.commit(caller, {
    wants: {
      retentionClass: want(retentionClassByName, input.retentionClass),
      ...(version === null ? {} : { released: want(releasedPackage, release) }),
    },
    decide(found, { now }) {
      const retention = found.retentionClass as RetentionClassesTable | undefined;
      if (retention === undefined) throw unknownClass(input.retentionClass);
      if ("released" in found && found.released !== undefined) throw versionExists(input.name, version ?? "");
      const mode = retention.mode as RetentionMode;
      const expiresAt =
        retention.duration_days === null ? null : toTimestamp(Date.parse(now) + retention.duration_days * DAY);
      const created = {
        name: input.name,
        version,
        retention_class: retention.name,
        metadata,
        metadata_schema: schemaId,
        external_refs: externalRefs,
      };
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

/**
 * The facts that an event changes, as keys. A unit of work that wants one of them must be decided after the event is
 * written; units of one group that touch different facts are decided together.
 */
import type { NewEvent } from "../events/types.ts";

export const factKeys = {
  tenant: (tenant: string) => `tenant ${tenant}`,
  retentionClass: (name: string) => `class ${name}`,
  schema: (tenant: string, schemaId: string) => `schema ${tenant} ${schemaId}`,
  package: (packageId: string) => `package ${packageId}`,
  /** The version of a name: taken once a package with it is finalised. */
  release: (tenant: string, name: string, version: string) => `release ${tenant} ${name} ${version}`,
  /** One entry of a package. */
  entry: (packageId: string, pathKey: string) => `entry ${packageId} ${pathKey}`,
  /** The whole set of entries of a package. */
  entries: (packageId: string) => `entries ${packageId}`,
  object: (address: string) => `object ${address}`,
  ociRepository: (tenant: string, name: string) => `oci repository ${tenant} ${name}`,
  /** Whether the repository with this id lives. */
  ociRepositoryId: (repositoryId: string) => `oci repository id ${repositoryId}`,
  /** How much is in a repository: changes with everything that happens there. */
  ociContents: (repositoryId: string) => `oci contents ${repositoryId}`,
  /** A digest under which a blob can be read in a repository. */
  ociBlob: (repositoryId: string, digest: string) => `oci blob ${repositoryId} ${digest}`,
  /** A blob of a repository, under all its digests. */
  ociLink: (repositoryId: string, address: string) => `oci link ${repositoryId} ${address}`,
  ociManifest: (repositoryId: string, digest: string) => `oci manifest ${repositoryId} ${digest}`,
  ociTag: (repositoryId: string, tag: string) => `oci tag ${repositoryId} ${tag}`,
  /** The whole set of tags that point at a manifest. */
  ociTagsOf: (repositoryId: string, digest: string) => `oci tags of ${repositoryId} ${digest}`,
  ociTagRules: (tenant: string) => `oci tag rules ${tenant}`,
  event: (sequence: number) => `event ${sequence}`,
  deletion: (subject: string) => `deletion ${subject}`,
};

/** The form under which paths are compared: two paths that are equal after NFC are one. */
export function pathKeyOf(path: string): string {
  return path.normalize("NFC");
}

export function touches(tenant: string, event: NewEvent): readonly string[] {
  switch (event.type) {
    case "v1.tenant.created":
      return [factKeys.tenant(event.payload.tenant)];
    case "v1.retention_class.registered":
      return [factKeys.retentionClass(event.payload.name)];
    case "v1.metadata_schema.registered":
      return [factKeys.schema(tenant, event.payload.schema_id)];
    case "v1.package.created":
    case "v1.package.abandoned":
      return [factKeys.package(event.subject)];
    case "v1.package.deleted":
      return [factKeys.package(event.subject), factKeys.entries(event.subject), factKeys.deletion(event.subject)];
    case "v1.retention.default_applied":
      return [factKeys.package(event.subject)];
    case "v1.package.file_ingested":
    case "v1.package.file_replaced":
    case "v1.package.file_removed":
      return [factKeys.entry(event.subject, pathKeyOf(event.payload.path)), factKeys.entries(event.subject)];
    case "v1.package.finalized": {
      const { name, version } = event.payload.package;
      const keys = [factKeys.package(event.subject)];
      return version === null ? keys : [...keys, factKeys.release(tenant, name, version)];
    }
    case "v1.object.stored":
    case "v1.object.damage_found":
    case "v1.object.restored":
      return [factKeys.object(event.subject)];
    case "v1.oci.repository_created":
    case "v1.oci.repository_deleted":
      return [
        factKeys.ociRepository(tenant, event.payload.name),
        factKeys.ociRepositoryId(event.subject),
        factKeys.ociContents(event.subject),
      ];
    case "v1.oci.blob_linked":
    case "v1.oci.blob_unlinked": {
      const { content_address, digests } = event.payload;
      const byDigest = digests.map((digest) => factKeys.ociBlob(event.subject, digest));
      return [factKeys.ociContents(event.subject), factKeys.ociLink(event.subject, content_address), ...byDigest];
    }
    case "v1.oci.manifest_pushed":
      return [factKeys.ociContents(event.subject), factKeys.ociManifest(event.subject, event.payload.digest)];
    case "v1.oci.tag_moved": {
      const { tag, digest, previous } = event.payload;
      const keys = [
        factKeys.ociContents(event.subject),
        factKeys.ociTag(event.subject, tag),
        factKeys.ociTagsOf(event.subject, digest),
      ];
      return previous === null ? keys : [...keys, factKeys.ociTagsOf(event.subject, previous)];
    }
    case "v1.oci.tag_deleted": {
      const { tag, digest } = event.payload;
      return [
        factKeys.ociContents(event.subject),
        factKeys.ociTag(event.subject, tag),
        factKeys.ociTagsOf(event.subject, digest),
      ];
    }
    case "v1.oci.manifest_deleted": {
      const { digest, tags } = event.payload;
      return [
        factKeys.ociContents(event.subject),
        factKeys.ociManifest(event.subject, digest),
        factKeys.ociTagsOf(event.subject, digest),
        ...tags.map((tag) => factKeys.ociTag(event.subject, tag)),
      ];
    }
    case "v1.oci.tag_rules_set":
      return [factKeys.ociTagRules(tenant)];
    case "v1.event.redacted":
      return [factKeys.event(event.payload.sequence)];
  }
}

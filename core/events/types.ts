/**
 * The closed union of events. A new fact is a new type; an old type never changes meaning, and its golden bytes in
 * `tests/vectors/events/` never change. Type names read `v1.<noun>.<snake_case>`.
 *
 * `subject` (envelope) is an opaque id: a package or repository id, a content address, a tenant or class name. Paths, names that
 * people chose and anything personal stand only in payloads, which can be erased.
 */
import type { CborMap } from "../base/cbor.ts";
import type { Algorithm } from "../identity/algorithms.ts";
import type { Manifest, ManifestEntry, ManifestExternalRef, ManifestRetentionMode } from "../manifest/mod.ts";
import type { StorageLocation } from "../spi/storage.ts";

export type RetentionMode = ManifestRetentionMode;
/** A JSON object: text keys; no byte strings, no integers beyond 2^53. */
export type JsonMap = CborMap;
/** A link from a package to another system: an issue, a build, a release. */
export type ExternalRef = ManifestExternalRef;
/** One entry of a package: a file, an explicit empty directory, or a symlink that stays inside the package. */
export type PackageEntry = ManifestEntry;

/** Tags of repositories that both match are immutable; patterns as in `core/base/glob.ts`. */
export type TagRule = {
  readonly repositories: string;
  readonly tags: string;
};

export interface EventPayloads {
  "v1.tenant.created": { readonly tenant: string };
  "v1.retention_class.registered": {
    readonly name: string;
    /** `null`: never expires. */
    readonly duration_days: number | null;
    readonly mode: RetentionMode;
  };
  "v1.metadata_schema.registered": { readonly schema_id: string; readonly schema: JsonMap };
  "v1.package.created": {
    readonly name: string;
    readonly version: string | null;
    readonly retention_class: string;
    readonly metadata: JsonMap;
    readonly metadata_schema: string | null;
    readonly external_refs: readonly ExternalRef[];
  };
  "v1.retention.default_applied": {
    readonly retention_class: string;
    readonly mode: RetentionMode;
    readonly expires_at: string | null;
  };
  "v1.package.file_ingested": PackageEntry;
  /** Takes the place of the entry whose path is equal after NFC. */
  "v1.package.file_replaced": PackageEntry;
  "v1.package.file_removed": { readonly path: string };
  /** The payload *is* the canonical CBOR manifest. */
  "v1.package.finalized": Manifest;
  /** An open package was given up; it can never be finalised. */
  "v1.package.abandoned": { readonly reason: string };
  /** Ends the package: its rows leave the views, and payloads of its events may be erased from here on. */
  "v1.package.deleted": { readonly reason: string };
  "v1.object.stored": {
    readonly size: number;
    readonly digests: Readonly<Partial<Record<Algorithm, string>>> & { readonly sha256: string };
    readonly location: StorageLocation;
    readonly generation: number;
  };
  /** Reading found the stored bytes missing or wrong; the object is quarantined. */
  "v1.object.damage_found": {
    readonly backend_id: string;
    readonly key: string;
    readonly problem: "missing" | "size" | "digest";
  };
  /** Good bytes are there again: stored anew (a later generation), or the old location verified whole. */
  "v1.object.restored": { readonly location: StorageLocation; readonly generation: number };
  /** A name of the tenant has content now. `subject`, here and in all `v1.oci.*`: the repository's id. */
  "v1.oci.repository_created": { readonly name: string };
  /** The blob can be read in this repository, under these digests (`algorithm:hex`), sha256 always among them. */
  "v1.oci.blob_linked": {
    readonly content_address: string;
    readonly size: number;
    readonly digests: readonly string[];
  };
  /** It cannot any more, under any of `digests`, which are all that it had. */
  "v1.oci.blob_unlinked": { readonly content_address: string; readonly digests: readonly string[] };
  "v1.oci.manifest_pushed": {
    /** In the algorithm that it was pushed with. */
    readonly digest: string;
    readonly media_type: string;
    /** The exact bytes. */
    readonly manifest: Uint8Array;
  };
  /**
   * `previous`: what it pointed at before, if anything. `restored_from`: sequence of the event that made it point there the
   * time before; absent unless somebody asked for that.
   */
  "v1.oci.tag_moved": {
    readonly tag: string;
    readonly digest: string;
    readonly previous: string | null;
    readonly restored_from?: number;
  };
  "v1.oci.tag_deleted": { readonly tag: string; readonly digest: string };
  /** `tags`: all that pointed at it; they are deleted with it. */
  "v1.oci.manifest_deleted": { readonly digest: string; readonly tags: readonly string[] };
  /** Everything in it went with it; the counts say how much that was (a blob counts once, whatever its digests). */
  "v1.oci.repository_deleted": {
    readonly name: string;
    readonly reason: string;
    readonly tags: number;
    readonly manifests: number;
    readonly blobs: number;
  };
  /** `rules` are all that there are now; `previous`: how often they were set before. `subject`: the tenant. */
  "v1.oci.tag_rules_set": {
    readonly rules: readonly TagRule[];
    readonly previous: number;
    readonly reason: string;
  };
  /** The payload and salt of event `sequence` were erased. */
  "v1.event.redacted": { readonly sequence: number; readonly reason: string };
}

export type EventType = keyof EventPayloads;

export const EVENT_TYPES: ReadonlySet<string> = new Set<EventType>([
  "v1.tenant.created",
  "v1.retention_class.registered",
  "v1.metadata_schema.registered",
  "v1.package.created",
  "v1.retention.default_applied",
  "v1.package.file_ingested",
  "v1.package.file_replaced",
  "v1.package.file_removed",
  "v1.package.finalized",
  "v1.package.abandoned",
  "v1.package.deleted",
  "v1.object.stored",
  "v1.object.damage_found",
  "v1.object.restored",
  "v1.oci.repository_created",
  "v1.oci.blob_linked",
  "v1.oci.blob_unlinked",
  "v1.oci.manifest_pushed",
  "v1.oci.tag_moved",
  "v1.oci.tag_deleted",
  "v1.oci.manifest_deleted",
  "v1.oci.repository_deleted",
  "v1.oci.tag_rules_set",
  "v1.event.redacted",
]);

/** What the log says about an event without its payload; every field but `tenant_sequence` is under `hash`. */
export interface EventEnvelope {
  /** 1, 2, 3 ... without gaps, in commit order. */
  readonly sequence: number;
  /** UUIDv7. */
  readonly event_id: string;
  readonly type: EventType;
  readonly tenant: string;
  /** 1, 2, 3 ... without gaps inside the tenant. */
  readonly tenant_sequence: number;
  readonly subject: string;
  readonly actor: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly occurred_at: string;
  /** 32 bytes, see `chain.ts`. */
  readonly commitment: Uint8Array;
  /** Hash of the event before; 32 zero bytes for the first. */
  readonly prev_hash: Uint8Array;
  readonly hash: Uint8Array;
}

/** An event as it is stored. Salt, context and payload are `null` together once the event has been redacted. */
export interface StoredEvent extends EventEnvelope {
  readonly salt: Uint8Array | null;
  /** Canonical CBOR map: ip, request_id, credential_id, right used. Empty from the library. */
  readonly context: Uint8Array | null;
  /** Canonical CBOR, exactly as appended. */
  readonly payload: Uint8Array | null;
}

/** What a reducer sees: an event whose payload is decoded. A discriminated union over `type`. */
export type ReducibleEvent = {
  [T in EventType]: {
    readonly sequence: number;
    readonly type: T;
    readonly tenant: string;
    readonly subject: string;
    readonly actor: string;
    readonly occurred_at: string;
    readonly payload: EventPayloads[T];
    /** The stored bytes that `payload` was read from. */
    readonly payload_bytes: Uint8Array;
  };
}[EventType];

/** What a decision asks to be appended. */
export type NewEvent = {
  [T in EventType]: {
    readonly type: T;
    readonly subject: string;
    readonly payload: EventPayloads[T];
    /** The payload's canonical CBOR where the caller has it already (a manifest); encoded otherwise. */
    readonly payload_bytes?: Uint8Array;
  };
}[EventType];

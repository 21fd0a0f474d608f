import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import type { NewEvent } from "../events/types.ts";
import { createDigest, type Digest } from "../identity/digest.ts";
import type { Hasher } from "../identity/hasher.ts";
import { MAX_OCI_MANIFEST_BYTES, type OciManifestFacts, type OciReference, readOciManifest } from "../manifest/oci.ts";
import type { Caller } from "../spi/authenticator.ts";
import { type Loaded, type Want, type Wants, want } from "../views/loader.ts";
import { blobByDigest } from "../views/oci_blobs.ts";
import type { RepositoryName } from "../views/oci_located.ts";
import { manifestByDigest } from "../views/oci_manifests.ts";
import { tagRulesOf } from "../views/oci_tag_rules.ts";
import { tagByName } from "../views/oci_tags.ts";
import type { OciManifestsTable, OciTagRulesTable, OciTagsTable } from "../views/tables.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, checkTag, parseReference } from "./names.ts";
import { commitIn, refer } from "./repository_unit.ts";
import { checkTagsMayGo } from "./tag_rules.ts";
import type { PushedManifest, PushManifestInput } from "./types.ts";

/** distribution-spec, end-7b: registries take at least 10. */
const MAX_TAGS = 100;
/** Missing digests that a refusal names. */
const MAX_NAMED = 100;

/** Stores a manifest and points tags at it (spec, "Pushing Manifests"). */
export async function pushManifest(deps: OciDeps, caller: Caller, input: PushManifestInput): Promise<PushedManifest> {
  authorize(caller, "oci:push");
  checkRepository(input.repository);
  const reference = parseReference(input.reference);
  const tags = checkTags("tag" in reference ? [reference.tag, ...(input.tags ?? [])] : (input.tags ?? []));
  const { length } = input.bytes;
  if (length > MAX_OCI_MANIFEST_BYTES) {
    const message = `A manifest may have ${MAX_OCI_MANIFEST_BYTES} bytes`;
    throw new RegistryError("limit_exceeded", message, { limit: MAX_OCI_MANIFEST_BYTES, bytes: length });
  }
  // A copy: it goes into the log, whatever the caller does with theirs meanwhile.
  const bytes = input.bytes.slice();
  const digest = checkDigest(deps.hasher, bytes, "digest" in reference ? reference.digest : undefined).toString();
  const facts = readOciManifest(bytes, input.mediaType);
  const repository = await refer(deps, caller, input.repository);
  const push: Push = {
    repository: { tenant: caller.tenant, name: input.repository },
    digest,
    bytes,
    facts,
    tags,
    required: requiredBy(facts, deps),
  };
  await commitIn(
    deps,
    caller,
    repository,
    (repositoryId) => wantsOf(repositoryId, push),
    (found, repositoryId) => ({ events: eventsOf(repositoryId, push, found), result: undefined }),
  );
  return { digest, subject: facts.subject, tags };
}

export interface Push {
  readonly repository: RepositoryName;
  readonly digest: string;
  readonly bytes: Uint8Array;
  readonly facts: OciManifestFacts;
  readonly tags: readonly string[];
  readonly required: readonly OciReference[];
  /** Sequence of the event that is restored. */
  readonly restoredFrom?: number;
}

/** What has to be here. The subject has not: it may come later, or never (spec: "MUST accept"). */
export function requiredBy({ references }: OciManifestFacts, deps: OciDeps): readonly OciReference[] {
  const { sparseIndexes, sparseImages } = deps;
  return references.filter(({ kind, foreign }) => !foreign && !(kind === "manifest" ? sparseIndexes : sparseImages));
}

export function wantsOf(repositoryId: string, { repository, digest, tags, required }: Push): Wants {
  const wants: Record<string, Want<unknown>> = { manifest: want(manifestByDigest, { repositoryId, digest }) };
  if (tags.length > 0) wants.rules = want(tagRulesOf, repository.tenant);
  for (const tag of tags) wants[`tag ${tag}`] = want(tagByName, { repositoryId, tag });
  for (const { digest, kind } of required) {
    wants[`blob ${digest}`] = want(blobByDigest, { repositoryId, digest });
    if (kind === "manifest") wants[`manifest ${digest}`] = want(manifestByDigest, { repositoryId, digest });
  }
  return wants;
}

/** Nothing for what is there already. @throws {RegistryError} `manifest_blob_unknown`, `invalid_manifest`, `tag_immutable` */
export function eventsOf(repositoryId: string, push: Push, found: Loaded<Wants>): readonly NewEvent[] {
  const { repository, digest, bytes, facts, tags, required, restoredFrom } = push;
  const events: NewEvent[] = [];
  const known = found.manifest as OciManifestsTable | undefined;
  // Also of a manifest that is there: a blob may have been deleted since, and 201 says that it can be pulled.
  const missing = required
    .map((reference) => reference.digest)
    .filter((named) => found[`blob ${named}`] === undefined && found[`manifest ${named}`] === undefined);
  if (missing.length > 0) throw blobUnknown(missing);
  if (known === undefined) {
    const payload = { digest, media_type: facts.mediaType, manifest: bytes };
    events.push({ type: "v1.oci.manifest_pushed", subject: repositoryId, payload });
  } else if (known.media_type !== facts.mediaType) {
    throw otherType(digest, known.media_type);
  }
  const moved: string[] = [];
  for (const tag of tags) {
    const previous = (found[`tag ${tag}`] as OciTagsTable | undefined)?.digest ?? null;
    if (previous === digest) continue;
    if (previous !== null) moved.push(tag);
    const payload = { tag, digest, previous, ...(restoredFrom !== undefined && { restored_from: restoredFrom }) };
    events.push({ type: "v1.oci.tag_moved", subject: repositoryId, payload });
  }
  checkTagsMayGo(found.rules as OciTagRulesTable | undefined, repository.name, moved);
  return events;
}

function checkTags(tags: readonly string[]): readonly string[] {
  if (tags.length > MAX_TAGS) {
    const message = `One push gives a manifest ${MAX_TAGS} tags at most`;
    throw new RegistryError("limit_exceeded", message, { limit: MAX_TAGS, tags: tags.length });
  }
  for (const tag of tags) checkTag(tag);
  return [...new Set(tags)];
}

/** @throws {RegistryError} `digest_mismatch` */
function checkDigest(hasher: Hasher, bytes: Uint8Array, expected: Digest | undefined): Digest {
  const algorithm = expected?.algorithm ?? "sha256";
  const actual = createDigest(algorithm, hasher.hash(algorithm, bytes));
  if (expected === undefined || actual.equals(expected)) return actual;
  throw new RegistryError("digest_mismatch", `The manifest has the digest ${actual}, not ${expected}`, {
    expected: expected.toString(),
    actual: actual.toString(),
  });
}

function blobUnknown(missing: readonly string[]): RegistryError {
  const named = missing.slice(0, MAX_NAMED);
  const message = `The manifest names ${missing.length} that are not in this repository, such as ${named[0]}; push them first`;
  return new RegistryError("manifest_blob_unknown", message, { missing: named, count: missing.length });
}

/** The type decides what the bytes mean, and the digest does not cover it. */
function otherType(digest: string, mediaType: string): RegistryError {
  const message = `${digest} is stored as ${mediaType}; delete it before you push it as something else`;
  return new RegistryError("invalid_manifest", message, { digest, media_type: mediaType });
}

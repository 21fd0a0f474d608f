/** The bytes and entries of an import: what has no object yet is stored, everything else is taken by its address. */
import { RegistryError } from "../base/errors.ts";
import type { StoredContent } from "../content/place.ts";
import { type ContentAddress, digestOf } from "../identity/content_address.ts";
import { createDigest, parseDigest } from "../identity/digest.ts";
import {
  LAYOUT_FILE,
  LAYOUT_INDEX,
  type LayoutContent,
  layoutHeader,
  layoutIndex,
  layoutPath,
} from "../manifest/oci_layout.ts";
import type { Caller } from "../spi/authenticator.ts";
import { locationOf, type ObjectRecord, objectByAddress } from "../views/objects.ts";
import { ArchivePlan, type PlanNode, type PlannedFile } from "./archive_plan.ts";
import { ContentStore } from "./archive_store.ts";
import { archiveRefused } from "./archive_unit.ts";
import { damaged, type ImageSource, type ImportPlan, type OciImport, type PulledBlob } from "./import_oci_plan.ts";
import type { PackageDeps } from "./types.ts";

const MAX_NAMED = 100;
/** Objects that are looked up at once. */
const LOOKED_UP = 512;

export interface StoredImport {
  readonly nodes: readonly PlanNode[];
  readonly contents: ReadonlyMap<string, StoredContent>;
  /** Address of `index.json`. */
  readonly index: ContentAddress;
  readonly report: OciImport;
}

/** Stores what has no object yet. After a failure it is garbage, as after a crash. @throws {RegistryError} as `importOci` */
export async function storeImport(
  deps: PackageDeps,
  images: ImageSource,
  caller: Caller,
  { input, root, content }: ImportPlan,
): Promise<StoredImport> {
  const { repository, reference } = input;
  const plan = new ArchivePlan(deps.limits);
  const files: PlannedFile[] = [];
  const store = new ContentStore(deps, caller);
  const known = await knownContents(deps, content);
  const add = (path: string, size: number): PlannedFile => {
    const planned = plan.add({ path, kind: "file", size, executable: false, target: "" });
    if (planned?.kind !== "file") throw archiveRefused(plan.refusals);
    files.push(planned);
    return planned;
  };
  const write = async (path: string, bytes: Uint8Array) => {
    const file = add(path, bytes.length);
    await store.store(file, bytes.length, once(bytes));
    return file;
  };

  try {
    await write(LAYOUT_FILE, layoutHeader());
    const descriptor = { mediaType: root.media_type, digest: root.digest, size: root.bytes.length };
    const tag = reference.includes(":") ? undefined : reference;
    const index = await write(LAYOUT_INDEX, layoutIndex(descriptor, tag, content.referrers));
    for (const digest of content.manifests.keys()) {
      caller.signal?.throwIfAborted();
      const { bytes } = await images.getManifest(caller, { repository, reference: digest });
      checkBytes(deps, digest, bytes);
      await write(layoutPath(digest), bytes);
    }
    for (const [digest, blob] of content.blobs) {
      if (content.manifests.has(digest)) continue;
      const file = add(layoutPath(digest), blob.size);
      const object = known.get(blob.content_address);
      // What is made when it is asked for is no object: its bytes are stored as a manifest's are.
      if (object === undefined) await store.store(file, blob.size, (await blob.open()).body);
      else file.content = factsOf(object);
    }
    await store.settled();
    nameSha512(files);
    const contents = new Map([...store.byAddress, ...known]);
    const report = reportOf({ input, root, content }, files, contents);
    return { nodes: plan.nodes, contents, index: contentOf(index).content_address, report };
  } finally {
    await store.idle();
  }
}

/** Blobs that are objects, with a good copy of each. @throws {RegistryError} `object_corrupt` */
async function knownContents(deps: PackageDeps, { blobs }: LayoutContent<PulledBlob>) {
  const byAddress = new Map([...blobs].map(([digest, { content_address }]) => [content_address as string, digest]));
  const addresses = [...byAddress.keys()];
  const known = new Map<string, StoredContent>();
  for (let at = 0; at < addresses.length; at += LOOKED_UP) {
    const found = await objectByAddress.load(deps.database.read, addresses.slice(at, at + LOOKED_UP));
    for (const object of found.values()) {
      const { content_address: address } = object;
      known.set(address, storedContent(deps, object, byAddress.get(address) ?? address));
    }
  }
  return known;
}

function storedContent({ backendId }: PackageDeps, object: ObjectRecord, digest: string): StoredContent {
  const { locations, state, size, generation } = object;
  const copy = locations.find(({ backend_id }) => backend_id === backendId) ?? locations[0];
  if (state !== "live" || copy === undefined) throw damaged(undefined, digest);
  const address = object.content_address as ContentAddress;
  const digests = { blake3: digestOf(address), sha256: createDigest("sha256", object.digest_sha256) };
  return { result: { address, size, digests, location: locationOf(copy), deduplicated: true }, generation };
}

function factsOf({ result }: StoredContent): NonNullable<PlannedFile["content"]> {
  const { address, size, digests } = result;
  return { content_address: address, size, digests: { sha256: digests.sha256.hex } };
}

function contentOf({ path, content }: PlannedFile): NonNullable<PlannedFile["content"]> {
  if (content === undefined) throw new RegistryError("internal", `${path} of the image layout has no content`);
  return content;
}

/** The path says it, and the bytes were compared with it when they were pushed. */
function nameSha512(files: readonly PlannedFile[]): void {
  for (const file of files) {
    const [, hex] = /^blobs\/sha512\/([0-9a-f]{128})$/.exec(file.path) ?? [];
    if (hex === undefined) continue;
    const content = contentOf(file);
    file.content = { ...content, digests: { ...content.digests, sha512: hex } };
  }
}

/** The log is trusted with its chain; a package is not made of what a look can tell is wrong. */
function checkBytes({ hasher }: PackageDeps, digest: string, bytes: Uint8Array): void {
  const { algorithm } = parseDigest(digest);
  if (createDigest(algorithm, hasher.hash(algorithm, bytes)).toString() !== digest) throw damaged(undefined, digest);
}

function reportOf(
  { input, root, content }: ImportPlan,
  files: readonly PlannedFile[],
  contents: ReadonlyMap<string, StoredContent>,
): OciImport {
  const sizes = files.map((file) => {
    const { content_address: address, size } = contentOf(file);
    return { size, kept: contents.get(address)?.result.deduplicated === true };
  });
  const kept = sizes.filter((file) => file.kept);
  const sum = (of: typeof sizes) => of.reduce((total, { size }) => total + size, 0);
  return {
    repository: input.repository,
    reference: input.reference,
    digest: root.digest,
    media_type: root.media_type,
    manifests: content.manifests.size,
    blobs: content.blobs.size,
    referrers: content.referrers.length,
    files: files.length,
    bytes: sum(sizes),
    deduplicated_files: kept.length,
    deduplicated_bytes: sum(kept),
    missing: content.missing.slice(0, MAX_NAMED),
    missing_count: content.missing.length,
    foreign_count: content.foreign.length,
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** Image layouts to be written: of what a repository has, or of a package that is one. */
import {
  type Caller,
  checkLayoutHeader,
  collect,
  type FileEntry,
  findImage,
  LAYOUT_FILE,
  LAYOUT_INDEX,
  layoutHeader,
  layoutIndex,
  layoutPath,
  MAX_OCI_MANIFEST_BYTES,
  type PackageEntry,
  RegistryError,
  readLayoutIndex,
} from "../../core/mod.ts";
import type { Door } from "../door.ts";
import type { ImageRef } from "./reference.ts";

export interface LayoutEntry {
  readonly kind: "file" | "directory";
  readonly path: string;
  /** Of files. Bytes. */
  readonly size: number;
  readonly executable: boolean;
  /** Of files, once. */
  open(): Promise<AsyncIterable<Uint8Array>>;
}

export interface Layout {
  /** In byte order of their paths, as a package has them: the same image is written as the same bytes. */
  readonly entries: readonly LayoutEntry[];
  /** For people and programs: what it is. Keys as they are printed. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface LayoutOptions {
  readonly referrers: boolean;
  readonly allowMissing: boolean;
}

/** Manifests and blobs of one export. Their descriptions are in memory, their bytes are not. */
const MOST = 200_000;
/** Missing digests that are told. */
const MAX_NAMED = 100;

/** @throws {RegistryError} `manifest_blob_unknown`, `limit_exceeded`, as pulling does */
export async function imageLayout(
  { oci }: Pick<Door, "oci">,
  caller: Caller,
  image: ImageRef,
  { referrers, allowMissing }: LayoutOptions,
): Promise<Layout> {
  const { repository, reference } = image;
  const { root, content } = await findImage(oci, caller, { ...image, referrers, allowMissing }, MOST);
  const entries = new Map<string, LayoutEntry>();
  const add = (path: string, size: number, open: LayoutEntry["open"]) =>
    entries.set(path, { kind: "file", path, size, executable: false, open });
  const given = (path: string, bytes: Uint8Array) => add(path, bytes.length, async () => once(bytes));

  given(LAYOUT_FILE, layoutHeader());
  const { digest, media_type: mediaType } = root;
  const tag = reference.includes(":") ? undefined : reference;
  given(LAYOUT_INDEX, layoutIndex({ digest, mediaType, size: root.bytes.length }, tag, content.referrers));
  for (const [name, blob] of content.blobs) {
    add(layoutPath(name), blob.size, async () => (await blob.open({ verify: true })).body);
  }
  for (const [name, { size }] of content.manifests) {
    add(layoutPath(name), size, async () =>
      once((await oci.getManifest(caller, { repository, reference: name })).bytes),
    );
  }
  return {
    entries: [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
    facts: {
      repository,
      reference,
      digest,
      media_type: mediaType,
      manifests: content.manifests.size,
      blobs: content.blobs.size,
      referrers: content.referrers.length,
      missing: content.missing.slice(0, MAX_NAMED),
      missing_count: content.missing.length,
      foreign_count: content.foreign.length,
    },
  };
}

/**
 * Of a package that is an image layout: imported, or stored as one. `undefined`: it is none.
 * @throws {RegistryError} `invalid_manifest`, `unsupported` (symlinks)
 */
export async function packageLayout(
  registry: Pick<Door, "listFiles" | "openFile">,
  caller: Caller,
  packageId: string,
): Promise<Layout | undefined> {
  const found: PackageEntry[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: 1000, ...(cursor === undefined ? {} : { cursor }) };
    const page = await registry.listFiles(caller, packageId, query);
    found.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  const fileAt = (path: string) =>
    found.find((entry): entry is FileEntry => entry.kind === "file" && entry.path === path);
  const [header, index] = [fileAt(LAYOUT_FILE), fileAt(LAYOUT_INDEX)];
  if (header === undefined || index === undefined) return undefined;
  const open = async (entry: FileEntry) => (await registry.openFile(caller, entry, { verify: true })).body;
  checkLayoutHeader(await collect(await open(header), MAX_OCI_MANIFEST_BYTES));
  const [root] = readLayoutIndex(await collect(await open(index), MAX_OCI_MANIFEST_BYTES));
  return {
    entries: found.map((entry) => {
      const { kind, path } = entry;
      if (kind === "symlink") throw noLink(path);
      if (kind === "directory") return { kind, path, size: 0, executable: false, open: async () => once() };
      return { kind, path, size: entry.size, executable: entry.executable, open: () => open(entry) };
    }),
    facts: { package_id: packageId, digest: root?.digest ?? null, media_type: root?.mediaType ?? null },
  };
}

export function noLink(path: string): RegistryError {
  return new RegistryError("unsupported", `${JSON.stringify(path)} is a link; an image layout has files only`, {
    path,
  });
}

async function* once(bytes: Uint8Array = new Uint8Array()): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

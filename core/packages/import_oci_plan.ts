/** What an import finds before anything is made: everything that the named manifest reaches, and whether it is whole. */
import { isRegistryError, RegistryError } from "../base/errors.ts";
import type { ObjectContent, ReadOptions } from "../content/read.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import {
  checkComplete,
  type LayoutContent,
  type LayoutSource,
  type OciDescriptor,
  walkLayout,
} from "../manifest/oci_layout.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { CreatePackageInput } from "./create.ts";
import type { PackageDeps } from "./types.ts";

export interface ImportOciInput {
  readonly repository: string;
  /** A tag, or a digest; what has a colon is a digest. */
  readonly reference: string;
  /** The package that it becomes. */
  readonly package: CreatePackageInput;
  /** Whatever refers to it, or to a manifest that it reaches, comes along: signatures, SBOMs. Default false. */
  readonly referrers?: boolean;
  /** Go on where manifests name what the repository does not have. Default false. */
  readonly allowMissing?: boolean;
}

/** Where images are pulled from: the OCI use cases, as `OciRegistry` has them. Whoever may not pull gets nothing. */
export interface ImageSource<B = PulledBlob> {
  getManifest(caller: Caller, input: InRepository & { reference: string }): Promise<PulledManifest>;
  findBlob(caller: Caller, input: InRepository & { digest: string }): Promise<B>;
  listReferrers(
    caller: Caller,
    input: InRepository & { digest: string; after?: string },
  ): Promise<{ readonly descriptors: readonly OciDescriptor[]; readonly next?: string }>;
}
interface InRepository {
  repository: string;
}
export interface PulledManifest {
  readonly digest: string;
  readonly media_type: string;
  readonly bytes: Uint8Array;
}
export interface PulledBlob {
  readonly size: number;
  readonly content_address: ContentAddress;
  /** False: no good copy is known. */
  readonly intact: boolean;
  open(options?: ReadOptions): Promise<ObjectContent>;
}

/** What came of an import. */
export interface OciImport {
  readonly repository: string;
  readonly reference: string;
  /** Of the manifest that was named. */
  readonly digest: string;
  readonly media_type: string;
  readonly manifests: number;
  readonly blobs: number;
  readonly referrers: number;
  /** All files of the layout. */
  readonly files: number;
  readonly bytes: number;
  /** Those whose bytes were in the store before, as those of every blob are. */
  readonly deduplicated_files: number;
  readonly deduplicated_bytes: number;
  /** Named by a manifest, and not in the repository: up to 100 of them. */
  readonly missing: readonly string[];
  readonly missing_count: number;
  /** Layers that may not be distributed, and are not in the repository. */
  readonly foreign_count: number;
}

export interface ImportPlan {
  readonly input: ImportOciInput;
  readonly root: PulledManifest;
  readonly content: LayoutContent<PulledBlob>;
}

/** `blobs`, two algorithms below it, and two files. */
const OTHER_NAMES = 5;

/** Reads everything and writes nothing. @throws {RegistryError} as `importOci` */
export async function planImport(
  { limits }: PackageDeps,
  images: ImageSource,
  caller: Caller,
  input: ImportOciInput,
): Promise<ImportPlan> {
  const most = limits.maxArchiveEntries - OTHER_NAMES;
  const { root, content } = await findImage(images, caller, input, most);
  for (const [digest, { intact }] of content.blobs) if (!intact) throw damaged(input.repository, digest);
  return { input, root, content };
}

/** A manifest, and everything that it reaches. @throws {RegistryError} as `importOci`, but for what is damaged */
export async function findImage<B>(
  images: ImageSource<B>,
  caller: Caller,
  input: Omit<ImportOciInput, "package">,
  most: number,
): Promise<{ readonly root: PulledManifest; readonly content: LayoutContent<B> }> {
  const { repository, reference, referrers = false, allowMissing = false } = input;
  const root = await images.getManifest(caller, { repository, reference });
  const source: LayoutSource<B> = {
    manifest: ({ digest }) => orNothing(images.getManifest(caller, { repository, reference: digest })),
    blob: ({ digest }) => orNothing(images.findBlob(caller, { repository, digest })),
    ...(referrers && {
      async *referrers(digest) {
        let after: string | undefined;
        do {
          const page = await images.listReferrers(caller, {
            repository,
            digest,
            ...(after !== undefined && { after }),
          });
          yield* page.descriptors;
          after = page.next;
        } while (after !== undefined);
      },
    }),
  };
  const roots = [{ digest: root.digest, mediaType: root.media_type, size: root.bytes.length }];
  const content = await walkLayout(source, roots, { most, signal: caller.signal });
  checkComplete(content, allowMissing);
  return { root, content };
}

/** A digest of an algorithm that nothing here is found by is of something that is not here. */
async function orNothing<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    const codes = ["manifest_not_found", "blob_not_found", "invalid_digest"] as const;
    if (codes.some((code) => isRegistryError(error, code))) return undefined;
    throw error;
  }
}

export function damaged(repository: string | undefined, digest: string): RegistryError {
  const where = repository === undefined ? "" : ` of ${repository}`;
  return new RegistryError(
    "object_corrupt",
    `The stored bytes of ${digest}${where} are known to be damaged; push it again, then import`,
    { digest },
  );
}

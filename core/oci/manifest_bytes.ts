/**
 * The bytes of manifests, from the events that brought them. Those asked for last are kept: an event never changes, so
 * they are right for as long as somebody has just read in the database that the manifest is there.
 */
import { ByteCache } from "../base/byte_cache.ts";
import type { Database } from "../spi/database.ts";
import { type LocatedManifest, manifestPayload } from "../views/oci_located.ts";
import type { Tables } from "../views/tables.ts";

export interface ManifestBytes {
  /** `undefined` where the log has them no more. The caller's own, to do with as it likes. */
  of(manifest: LocatedManifest): Promise<Uint8Array | undefined>;
}

/** Some ten thousand manifests of images. */
const ROOM = 16 * 1024 * 1024;

export function createManifestBytes({ read }: Pick<Database<Tables>, "read">, room = ROOM): ManifestBytes {
  const kept = new ByteCache<number>(room);
  return {
    async of({ sequence }) {
      const known = kept.get(sequence);
      if (known !== undefined) return known;
      const bytes = await manifestPayload(read, sequence);
      if (bytes !== undefined) kept.put(sequence, bytes);
      return bytes;
    },
  };
}

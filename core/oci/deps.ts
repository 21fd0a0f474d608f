/** What the OCI use cases work with. */
import type { Clock, Ids } from "../base/clock.ts";
import type { Uploads } from "../content/uploads.ts";
import type { Hasher } from "../identity/hasher.ts";
import type { Ledger } from "../ledger/mod.ts";
import type { DataPlane } from "../spi/data_plane.ts";
import type { Database } from "../spi/database.ts";
import type { Tables } from "../views/tables.ts";
import type { ManifestBytes } from "./manifest_bytes.ts";
import type { Pulls } from "./pulls.ts";

export interface OciDeps {
  readonly database: Database<Tables>;
  readonly ledger: Ledger;
  readonly dataPlane: DataPlane;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly pulls: Pulls;
  readonly manifestBytes: ManifestBytes;
  readonly uploads: Uploads;
  readonly limits: {
    /** Bytes of one blob. */
    readonly maxObjectBytes: number;
    /** Uploads that one principal may have open. */
    readonly maxOpenUploads: number;
  };
  /** The backend that takes new objects. */
  readonly backendId: string;
  /** Whether whole reads are re-digested unless the caller says. */
  readonly verifyReads: boolean;
  /** Whether an index may name manifests that are not in its repository (distribution-spec, "Pushing Manifests"). */
  readonly sparseIndexes: boolean;
  /** Whether an image or artifact may name blobs that are not in its repository. */
  readonly sparseImages: boolean;
  /** How long content stays protected that a tag pointed at, after the tag moved on. Milliseconds. */
  readonly historyProtection: number;
}

/** What all clients of a run share. */
import type { Contents, Manifest } from "./oci_content.ts";
import type { Upload } from "./oci_door.ts";
import type { Model } from "./oci_model.ts";

export const REPOSITORIES = ["a", "a/b", "team/app", "team/app/blobs", "manifests/uploads/tags", "z-9/q_1.x"] as const;
export const TAGS = ["latest", "v1", "v2", "v3", "stable", "nightly", "x_Y.z-1", "old"] as const;
export interface Scene {
  readonly model: Model;
  readonly contents: Contents;
  /** Every manifest that may be anywhere, by each of its digests. */
  readonly known: Map<string, Manifest>;
  /** Manifests that are pushed again and again, so that pushes meet deletions. */
  readonly hot: readonly Manifest[];
  /** Uploads that nobody ended: given up, or cut. */
  readonly left: Set<Upload>;
  /** `repository tag digest` of every push that was answered. */
  readonly tagged: Set<string>;
  readonly counts: Record<string, number>;
  complain(what: string): void;
}

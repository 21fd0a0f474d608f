/** All views, in the order in which reducers run. They do not depend on each other. */
import type { Transaction } from "kysely";
import type { ReducibleEvent } from "../events/types.ts";
import type { Hasher } from "../identity/hasher.ts";
import { filesView } from "./files.ts";
import { metadataSchemasView } from "./metadata_schemas.ts";
import { objectsView } from "./objects.ts";
import { ociBlobsView } from "./oci_blobs.ts";
import { ociManifestsView } from "./oci_manifests.ts";
import { ociRepositoriesView } from "./oci_repositories.ts";
import { ociTagRulesView } from "./oci_tag_rules.ts";
import { ociTagsView } from "./oci_tags.ts";
import { packageArtifactsView } from "./package_artifacts.ts";
import { packagesView } from "./packages.ts";
import { retentionClassesView } from "./retention_classes.ts";
import { retentionStateView } from "./retention_state.ts";
import type { Tables } from "./tables.ts";
import { tenantsView } from "./tenants.ts";
import type { View } from "./view.ts";

export const VIEWS: readonly View[] = [
  tenantsView,
  retentionClassesView,
  metadataSchemasView,
  packagesView,
  filesView,
  objectsView,
  retentionStateView,
  ociRepositoriesView,
  ociBlobsView,
  ociManifestsView,
  ociTagsView,
  packageArtifactsView,
  ociTagRulesView,
];

export async function reduceAll(
  trx: Transaction<Tables>,
  events: readonly ReducibleEvent[],
  hasher: Hasher,
  views: readonly View[] = VIEWS,
): Promise<void> {
  for (const view of views) await view.reduce(trx, events, hasher);
}

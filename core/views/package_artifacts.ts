/** What finalised packages are at `/v2/packages/<tenant>/<name>`: one row each, from the event that finalised it. */
import { describePackageArtifact } from "../manifest/package_artifact.ts";
import type { PackageArtifactsTable } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

export const packageArtifactsTable = viewTable(
  "package_artifacts",
  [
    "package_id",
    "tenant",
    "name",
    "version",
    "artifact_digest",
    "artifact_size",
    "config_digest",
    "config_size",
    "sequence",
  ],
  ["package_id"],
);

export const packageArtifactsView: View = {
  name: "package_artifacts",
  version: 1,
  tables: [packageArtifactsTable],
  async reduce(trx, events, hasher) {
    const rows = new RowFold(packageArtifactsTable);
    for (const event of events) {
      if (event.type === "v1.package.finalized") {
        const { name, version } = event.payload.package;
        const artifact = await describePackageArtifact(event.payload, event.payload_bytes, hasher);
        rows.put({
          package_id: event.subject,
          tenant: event.tenant,
          name,
          version,
          artifact_digest: artifact?.manifest.digest ?? null,
          artifact_size: artifact?.manifest.size ?? null,
          config_digest: artifact?.config.digest ?? null,
          config_size: artifact?.config.size ?? null,
          sequence: event.sequence,
        } satisfies PackageArtifactsTable);
      } else if (event.type === "v1.package.deleted") {
        rows.remove([event.subject]);
      }
    }
    await rows.flush(trx);
  },
};

/** Every migration in order. Adding one is two lines here; a released one never changes. */
import * as eventLog from "./0001_event_log.ts";
import * as views from "./0002_views.ts";
import * as operational from "./0003_operational.ts";
import * as idempotencyKeys from "./0004_idempotency_keys.ts";
import * as uploadSessions from "./0005_upload_sessions.ts";
import * as oci from "./0006_oci.ts";
import * as uploadDoors from "./0007_upload_doors.ts";
import * as ociHistory from "./0008_oci_history.ts";
import * as packageArtifacts from "./0009_package_artifacts.ts";
import * as ociTagRules from "./0010_oci_tag_rules.ts";
import * as uploadCounts from "./0011_upload_counts.ts";
import type { Migration } from "./types.ts";

export const migrations: readonly Migration[] = [
  { version: 1, name: "event_log", tables: eventLog.TABLES, up: eventLog.up },
  { version: 2, name: "views", tables: views.TABLES, up: views.up },
  { version: 3, name: "operational", tables: operational.TABLES, up: operational.up },
  { version: 4, name: "idempotency_keys", tables: idempotencyKeys.TABLES, up: idempotencyKeys.up },
  { version: 5, name: "upload_sessions", tables: uploadSessions.TABLES, up: uploadSessions.up },
  { version: 6, name: "oci", tables: oci.TABLES, up: oci.up },
  { version: 7, name: "upload_doors", tables: uploadDoors.TABLES, up: uploadDoors.up },
  { version: 8, name: "oci_history", tables: ociHistory.TABLES, up: ociHistory.up },
  { version: 9, name: "package_artifacts", tables: packageArtifacts.TABLES, up: packageArtifacts.up },
  { version: 10, name: "oci_tag_rules", tables: ociTagRules.TABLES, up: ociTagRules.up },
  { version: 11, name: "upload_counts", tables: uploadCounts.TABLES, up: uploadCounts.up },
];

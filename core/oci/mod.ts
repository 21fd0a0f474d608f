/** OCI distribution: its use cases, bound. */
import { withCodes } from "../ledger/mod.ts";
import { browseRepositories } from "./browse_repositories.ts";
import { completeUpload } from "./complete_upload.ts";
import { deleteBlob } from "./delete_blob.ts";
import { deleteManifest } from "./delete_manifest.ts";
import { deleteRepository } from "./delete_repository.ts";
import { deleteTag } from "./delete_tag.ts";
import type { OciDeps } from "./deps.ts";
import { findBlob } from "./find_blob.ts";
import { findManifest, getManifest } from "./get_manifest.ts";
import { listReferrers } from "./list_referrers.ts";
import { listRepositories } from "./list_repositories.ts";
import { listTags } from "./list_tags.ts";
import { mountBlob } from "./mount_blob.ts";
import { withPackages } from "./packages/mod.ts";
import { previewTagRules } from "./preview_tag_rules.ts";
import { pushBlob } from "./push_blob.ts";
import { pushManifest } from "./push_manifest.ts";
import { restoreTag } from "./restore_tag.ts";
import { getTagRules, setTagRules } from "./set_tag_rules.ts";
import { showRepository } from "./show_repository.ts";
import { tagHistory } from "./tag_history.ts";
import type { OciRegistry } from "./types.ts";
import { appendUpload, cancelUpload, getUpload, startUpload } from "./uploads.ts";

export function createOci(deps: OciDeps): OciRegistry {
  const useCases: Omit<OciRegistry, "appendUpload" | "completeUpload" | "pushBlob"> = {
    getManifest: (caller, input) => getManifest(deps, caller, input),
    findManifest: (caller, input) => findManifest(deps, caller, input),
    findBlob: (caller, input) => findBlob(deps, caller, input),
    listTags: (caller, input) => listTags(deps, caller, input),
    listRepositories: (caller, input) => listRepositories(deps, caller, input),
    listReferrers: (caller, input) => listReferrers(deps, caller, input),
    startUpload: (caller, input) => startUpload(deps, caller, input),
    getUpload: (caller, input) => getUpload(deps, caller, input),
    cancelUpload: (caller, input) => cancelUpload(deps, caller, input),
    mountBlob: (caller, input) => mountBlob(deps, caller, input),
    pushManifest: (caller, input) => pushManifest(deps, caller, input),
    deleteTag: (caller, input) => deleteTag(deps, caller, input),
    deleteManifest: (caller, input) => deleteManifest(deps, caller, input),
    deleteBlob: (caller, input) => deleteBlob(deps, caller, input),
    tagHistory: (caller, input) => tagHistory(deps, caller, input),
    restoreTag: (caller, input) => restoreTag(deps, caller, input),
    browseRepositories: (caller, input) => browseRepositories(deps, caller, input),
    showRepository: (caller, input) => showRepository(deps, caller, input),
    deleteRepository: (caller, input) => deleteRepository(deps, caller, input),
    getTagRules: (caller) => getTagRules(deps, caller),
    setTagRules: (caller, input) => setTagRules(deps, caller, input),
    previewTagRules: (caller, input) => previewTagRules(deps, caller, input),
  };
  return withPackages(deps, {
    ...withCodes(deps.database, useCases),
    // These read a stream of the caller's, whose errors are not the database's: they code their own.
    appendUpload: (caller, input) => appendUpload(deps, caller, input),
    completeUpload: (caller, input) => completeUpload(deps, caller, input),
    pushBlob: (caller, input) => pushBlob(deps, caller, input),
  });
}

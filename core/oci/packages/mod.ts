/**
 * The door to finalised packages, in front of the ordinary repositories: whose a name is, the name alone tells, so that
 * nothing is looked up for those of others.
 */
import { authorize } from "../../access/decide.ts";
import { coded } from "../../ledger/mod.ts";
import type { Caller } from "../../spi/authenticator.ts";
import type { OciDeps } from "../deps.ts";
import type { OciRegistry } from "../types.ts";
import { deletePackageTag, deleteReferrer, deleteReferrerBlob } from "./delete.ts";
import { findPackageBlob } from "./find_blob.ts";
import { findPackageManifest, getPackageManifest } from "./get_manifest.ts";
import { listAllRepositories, listPackageTags } from "./lists.ts";
import { isOfPackages } from "./names.ts";
import { checkReferable, mountFromAny, pushReferrer } from "./push.ts";

type Use<I, T> = (caller: Caller, input: I) => Promise<T>;

/** @param ordinary without this door */
export function withPackages(deps: OciDeps, ordinary: OciRegistry): OciRegistry {
  const choose =
    <I extends { readonly repository: string }, T>(other: Use<I, T>, own: Use<I, T>): Use<I, T> =>
    (caller, input) =>
      isOfPackages(input.repository) ? coded(deps.database, () => own(caller, input)) : other(caller, input);
  return {
    ...ordinary,
    getManifest: choose(ordinary.getManifest, (who, input) => getPackageManifest(deps, ordinary, who, input)),
    findManifest: choose(ordinary.findManifest, (who, input) => findPackageManifest(deps, ordinary, who, input)),
    findBlob: choose(ordinary.findBlob, (who, input) => findPackageBlob(deps, ordinary, who, input)),
    listTags: choose(ordinary.listTags, (who, input) => listPackageTags(deps, ordinary, who, input)),
    listRepositories: (who, input) => coded(deps.database, () => listAllRepositories(deps, ordinary, who, input)),
    listReferrers: choose(ordinary.listReferrers, async (who, input) => {
      authorize(who, "package:read");
      return await ordinary.listReferrers(who, input);
    }),
    startUpload: choose(ordinary.startUpload, async (who, input) => {
      await checkReferable(deps, who, input.repository);
      return await ordinary.startUpload(who, input);
    }),
    async pushBlob(who, input) {
      const { repository } = input;
      // The stream is the caller's, whose errors are not the database's.
      if (isOfPackages(repository)) await coded(deps.database, () => checkReferable(deps, who, repository));
      return await ordinary.pushBlob(who, input);
    },
    mountBlob: (who, input) => coded(deps.database, () => mountFromAny(deps, ordinary, who, input)),
    pushManifest: choose(ordinary.pushManifest, (who, input) => pushReferrer(deps, ordinary, who, input)),
    deleteTag: choose(ordinary.deleteTag, (who, input) => deletePackageTag(deps, who, input)),
    deleteManifest: choose(ordinary.deleteManifest, (who, input) => deleteReferrer(deps, ordinary, who, input)),
    deleteBlob: choose(ordinary.deleteBlob, (who, input) => deleteReferrerBlob(deps, ordinary, who, input)),
  };
}

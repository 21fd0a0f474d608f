import { authorize } from "../access/decide.ts";
import { checkReason } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { want } from "../views/loader.ts";
import { packageById } from "../views/packages.ts";
import { checkOpen } from "./entry_unit.ts";
import { checkPackageId } from "./read.ts";
import type { PackageDeps } from "./types.ts";

/** Gives an open package up; it can never be finalised. Abandoning twice is fine. */
export async function abandonPackage(
  deps: PackageDeps,
  caller: Caller,
  input: { readonly packageId: string; readonly reason: string },
): Promise<void> {
  authorize(caller, "package:abandon");
  const { packageId, reason } = input;
  checkPackageId(packageId);
  checkReason(reason);
  await deps.ledger.commit(caller, {
    wants: { package: want(packageById, packageId) },
    decide(found) {
      if (found.package?.state === "abandoned" && found.package.tenant === caller.tenant)
        return { events: [], result: undefined };
      checkOpen(found.package, caller, packageId);
      return { events: [{ type: "v1.package.abandoned", subject: packageId, payload: { reason } }], result: undefined };
    },
  });
}

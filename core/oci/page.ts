/** Pages of the lists: a limit, and the last item of the page before. */
import { RegistryError } from "../base/errors.ts";

export const MAX_PAGE = 1000;

/** @throws {RegistryError} `invalid_argument` */
export function checkPageLimit(limit: number, least: 0 | 1): number {
  if (Number.isInteger(limit) && limit >= least && limit <= MAX_PAGE) return limit;
  throw new RegistryError("invalid_argument", `A page has ${least} to ${MAX_PAGE} entries`, { limit: String(limit) });
}

/** Need not be in the list; nothing sorts before "". @throws {RegistryError} `invalid_argument` */
export function checkLast(last = ""): string {
  if (last.length <= 300 && last.isWellFormed() && !last.includes("\0")) return last;
  throw new RegistryError("invalid_argument", "`last` is an entry of the list, or text that stands between two");
}

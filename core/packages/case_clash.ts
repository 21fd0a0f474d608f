/**
 * Paths that differ only in case. A package keeps them apart, but file systems that do not (macOS, Windows) would keep
 * one of each: allowed, and told.
 */
import { Pace } from "../base/turn.ts";
import { pathKeyOf } from "../views/keys.ts";
import type { PackageWarning } from "./types.ts";

/** Told at most: sets of paths, and paths of one set. */
const MAX_SETS = 10;
const MAX_PATHS = 4;

/** @param paths of one package, in any order; they may be a million, so others get their turns */
export async function caseClashes(paths: Iterable<string>): Promise<PackageWarning[]> {
  const pace = new Pace();
  /** Paths by what they fold to, without those that are that themselves: these are most, and clash with nobody else. */
  const odd = new Map<string, string[]>();
  const plain: string[] = [];
  for (const path of paths) {
    const folded = foldCase(path);
    if (folded === path) plain.push(path);
    else odd.set(folded, [...(odd.get(folded) ?? []), path]);
    if (pace.due()) await pace.turn();
  }
  if (odd.size === 0) return [];
  for (const path of plain) {
    odd.get(path)?.push(path);
    if (pace.due()) await pace.turn();
  }
  let count = 0;
  const examples: string[][] = [];
  for (const set of odd.values()) {
    if (set.length > 1) {
      count++;
      if (examples.length < MAX_SETS) examples.push(set.sort().slice(0, MAX_PATHS));
    }
    if (pace.due()) await pace.turn();
  }
  const [first] = examples;
  if (first === undefined) return [];
  const shown = first.slice(0, 2).map((path) => JSON.stringify(path.slice(0, 200)));
  const message = `${count === 1 ? "Paths differ" : `In ${count} places paths differ`} only in case, such as ${shown.join(
    " and ",
  )}: file systems that ignore it (macOS, Windows) can hold only one of them`;
  return [{ code: "case_clash", message, count, examples }];
}

/**
 * A form in which paths are equal that differ in case alone. By way of upper case, where "ß" is "SS" and all sigmas are
 * one; close to Unicode's full case folding, and no file system follows that to the letter either.
 */
function foldCase(path: string): string {
  return isAscii(path) ? path.toLowerCase() : pathKeyOf(path).toUpperCase().toLowerCase();
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

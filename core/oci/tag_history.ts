import { authorize } from "../access/decide.ts";
import { toTimestamp } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import type { Caller } from "../spi/authenticator.ts";
import { entriesUpTo, type Happening, presentManifests, removalsOf, type TagEntry } from "../views/oci_history.ts";
import type { TagHistoryEntry } from "./administration.ts";
import { inFeed, inLog, repositoriesEver } from "./as_of.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, checkTag } from "./names.ts";
import { checkPageLimit } from "./page.ts";

const DEFAULT_PAGE = 100;

export async function tagHistory(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly tag: string; readonly limit?: number; readonly cursor?: string },
): Promise<{ readonly items: readonly TagHistoryEntry[]; readonly cursor?: string }> {
  authorize(caller, "oci:pull");
  const { repository: name, tag, cursor } = input;
  checkRepository(name);
  checkTag(tag);
  const limit = checkPageLimit(input.limit ?? DEFAULT_PAGE, 1);
  const after = cursor === undefined ? undefined : await inLog(deps, caller, parseCursor(cursor));
  const db = deps.database.read;
  const repositories = await repositoriesEver(deps, caller, name);
  // The entry that the page before ended with comes along: it tells when the tag moved on.
  const last = after ?? Number.MAX_SAFE_INTEGER;
  const found = await entriesUpTo(db, repositories, tag, last, limit + (after === undefined ? 1 : 2));
  const newer = after === undefined ? undefined : found[0];
  if (after !== undefined && newer?.sequence !== after) throw badCursor(cursor);
  if (found.length === 0) {
    const message = `${name} never had a tag ${tag}`;
    throw new RegistryError("manifest_not_found", message, { repository: name, reference: tag });
  }
  const rest = newer === undefined ? found : found.slice(1);
  const page = rest.slice(0, limit);
  const pointing = page.filter(isPointing);
  const present = await presentManifests(db, repositories, new Set(pointing.map(({ digest }) => digest)));
  const gone = pointing.filter(({ digest }) => !present.has(digest));
  const removals = gone.length === 0 ? () => undefined : await removalsOf(db, gone);
  const removalOf = (entry: TagEntry) =>
    isPointing(entry) && !present.has(entry.digest) ? removals(entry) : undefined;
  const sequences = page.flatMap((entry) => [
    ...[entry.sequence, entry.restored_from ?? 0, removalOf(entry)?.sequence ?? 0].filter((n) => n > 0),
  ]);
  const shown = await inFeed(deps, caller, sequences);
  const items = page.map((entry, at): TagHistoryEntry => {
    const { occurred_at, actor, event, digest, restored_from } = entry;
    const movedOn = at === 0 ? newer : page[at - 1];
    const removed = removalOf(entry);
    const state = stateOf(entry, movedOn, digest !== null && present.has(digest));
    return {
      ...{ sequence: shown(entry.sequence), occurred_at, actor, event, digest },
      restored_from: restored_from === null ? null : shown(restored_from),
      state,
      removed: removed === undefined ? null : { sequence: shown(removed.sequence), occurred_at: removed.occurred_at },
      protected_until:
        state === "kept" && movedOn !== undefined
          ? toTimestamp(Date.parse(movedOn.occurred_at) + deps.historyProtection)
          : null,
    };
  });
  const end = page.at(-1);
  if (end === undefined || rest.length <= limit) return { items };
  return { items, cursor: String(shown(end.sequence)) };
}

const isPointing = (entry: TagEntry): entry is TagEntry & { readonly digest: string } => entry.digest !== null;

function stateOf({ digest }: TagEntry, movedOn: Happening | undefined, present: boolean): TagHistoryEntry["state"] {
  if (digest === null) return "absent";
  if (!present) return "removed";
  return movedOn === undefined ? "current" : "kept";
}

function parseCursor(cursor: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(cursor)) return Number(cursor);
  throw badCursor(cursor);
}

function badCursor(cursor = ""): RegistryError {
  return new RegistryError("invalid_argument", "This cursor does not come from a page of this history", {
    cursor: cursor.slice(0, 40),
  });
}

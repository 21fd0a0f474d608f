/**
 * Lists of packages, newest first.
 *
 * The list is walked by `created_sequence`. Where a filter has no index that gives this order, one statement looks at a
 * bounded stretch of the walk, and one call at a bounded number of stretches: a filter that nothing matches costs the
 * same as any other, and the cursor goes on from where the look ended. A page may therefore be short, or empty, while
 * there is more.
 */
import { sql } from "kysely";
import { authorize } from "../access/decide.ts";
import { parseTimestamp } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import { jcsText } from "../base/jcs.ts";
import type { Caller } from "../spi/authenticator.ts";
import { checkName } from "./names.ts";
import { checkLimit, type PageOf, toPackage } from "./read.ts";
import type { Package, PackageDeps } from "./types.ts";

/** All that are given must match. */
export interface ListPackagesQuery {
  /** Exact name. */
  readonly name?: string;
  readonly namePrefix?: string;
  readonly state?: Package["state"];
  readonly retentionClass?: string;
  /** Packages with a reference to this system; with `id`, to this thing in it. */
  readonly externalRef?: { readonly system: string; readonly id?: string };
  /** RFC 3339; created then or later. */
  readonly createdAfter?: string;
  /** RFC 3339; created before then. */
  readonly createdBefore?: string;
  /** Top-level keys of the metadata; a value is matched as text: `7` finds `7` and `"7"`, `true` finds `true`. */
  readonly metadata?: readonly { readonly key: string; readonly value: string }[];
  /** 1..1000, default 100. */
  readonly limit?: number;
  /** From the page before. */
  readonly cursor?: string;
}

/** Rows that one statement looks at. Metadata may be a megabyte each, so looking into it goes in smaller steps. */
const STRETCH = 1000;
const METADATA_STRETCH = 100;
/** Stretches that one call looks at. */
const STRETCHES = 10;
const MAX_METADATA_FILTERS = 8;

/** @throws {RegistryError} `invalid_argument`, `invalid_name` */
export async function listPackages(
  deps: PackageDeps,
  caller: Caller,
  query: ListPackagesQuery = {},
): Promise<PageOf<Package>> {
  authorize(caller, "package:read");
  const limit = checkLimit(query.limit);
  const filter = checkFilter(query);
  const items: Package[] = [];
  let before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : parseSequenceCursor(query.cursor);
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    const low = filter.indexed ? 0 : await endOfStretch(deps, caller, query, before);
    const wanted = limit - items.length;
    const rows = await rowsOf(deps, caller, query, { before, low, wanted });
    for (const row of rows) {
      const retention = row.mode === null ? undefined : { mode: row.mode, current_expires_at: row.current_expires_at };
      const found = toPackage(row, retention);
      if (filter.matches(found)) items.push(found);
      before = row.created_sequence;
    }
    if (items.length === limit) return { items, cursor: String(before) };
    // Rows that the statement let through and a closer look did not may have cut the stretch short.
    if (rows.length === wanted) continue;
    if (low === 0) return { items };
    before = low;
  }
  return { items, cursor: String(before) };
}

/** The sequence at which one statement's look ends (inclusive); 0 when the list ends first. Read off an index. */
async function endOfStretch(deps: PackageDeps, caller: Caller, query: ListPackagesQuery, before: number) {
  const size = query.metadata === undefined && query.externalRef === undefined ? STRETCH : METADATA_STRETCH;
  let keys = deps.database.read
    .selectFrom("artifact_packages")
    .select("created_sequence")
    .where("tenant", "=", caller.tenant)
    .where("created_sequence", "<", before)
    .orderBy("created_sequence", "desc")
    .limit(size);
  if (query.name !== undefined) keys = keys.where("name", "=", query.name);
  const row = await deps.database.read
    .selectFrom(keys.as("k"))
    .select((eb) => [eb.fn.min("k.created_sequence").as("low"), eb.fn.countAll<number>().as("count")])
    .executeTakeFirstOrThrow();
  return Number(row.count) < size ? 0 : Number(row.low);
}

async function rowsOf(
  deps: PackageDeps,
  caller: Caller,
  query: ListPackagesQuery,
  walk: { readonly before: number; readonly low: number; readonly wanted: number },
) {
  const { database } = deps;
  let select = database.read
    .selectFrom("artifact_packages as p")
    .leftJoin("retention_state as r", "r.package_id", "p.package_id")
    .selectAll("p")
    .select(["r.mode as mode", "r.current_expires_at as current_expires_at"])
    .where("p.tenant", "=", caller.tenant)
    .where("p.created_sequence", "<", walk.before)
    .where("p.created_sequence", ">=", walk.low)
    .orderBy("p.created_sequence", "desc")
    .limit(walk.wanted);
  const { name, namePrefix, state, retentionClass, createdAfter, createdBefore, externalRef, metadata = [] } = query;
  if (name !== undefined) select = select.where("p.name", "=", name);
  if (namePrefix !== undefined) {
    // A name is ASCII and ends before DEL; both databases compare its bytes.
    select = select.where("p.name", ">=", namePrefix).where("p.name", "<", `${namePrefix}\x7f`);
  }
  if (state !== undefined) select = select.where("p.state", "=", state);
  if (retentionClass !== undefined) select = select.where("p.retention_class", "=", retentionClass);
  if (createdAfter !== undefined) select = select.where("p.created_at", ">=", parseTimestamp(createdAfter));
  if (createdBefore !== undefined) select = select.where("p.created_at", "<", parseTimestamp(createdBefore));
  // Canonical JSON writes a member in one way, so its text is in the document if the member is. It may be there for
  // other reasons: the documents that have it are looked at again, parsed.
  const holds = (column: "p.metadata" | "p.external_refs", text: string) =>
    database.kind === "sqlite"
      ? sql<boolean>`instr(${sql.ref(column)}, ${text}) > 0`
      : sql<boolean>`strpos(${sql.ref(column)}, ${text}) > 0`;
  for (const { key, value } of metadata) {
    select = select.where((eb) =>
      eb.or([
        holds("p.metadata", memberText(key, value)),
        holds("p.metadata", `${memberText(key, "").slice(0, -2)}${value}`),
      ]),
    );
  }
  if (externalRef !== undefined) {
    select = select.where(holds("p.external_refs", memberText("system", externalRef.system)));
    if (externalRef.id !== undefined) select = select.where(holds("p.external_refs", memberText("id", externalRef.id)));
  }
  return await select.execute();
}

/** `"key":"value"` as canonical JSON has it. */
function memberText(key: string, value: string): string {
  return jcsText({ [key]: value }).slice(1, -1);
}

/** What the statement cannot decide, and whether an index gives the page without a look around. */
function checkFilter(query: ListPackagesQuery): { readonly indexed: boolean; matches(found: Package): boolean } {
  const { name, namePrefix, state, retentionClass, createdAfter, createdBefore, externalRef, metadata = [] } = query;
  if (name !== undefined) checkName(name);
  if (metadata.length > MAX_METADATA_FILTERS) {
    throw new RegistryError("invalid_argument", `A list is filtered by ${MAX_METADATA_FILTERS} metadata keys at most`);
  }
  const texts = [namePrefix, retentionClass, externalRef?.system, externalRef?.id];
  for (const text of [...texts, ...metadata.flatMap(({ key, value }) => [key, value])]) {
    if (text === undefined || (text.isWellFormed() && !text.includes("\0") && text.length <= 2048)) continue;
    throw new RegistryError("invalid_argument", "A filter is Unicode text without NUL, 2048 characters at most");
  }
  const others = [namePrefix, state, retentionClass, createdAfter, createdBefore, externalRef, query.metadata];
  return {
    indexed: others.every((filter) => filter === undefined),
    matches: (found) =>
      metadata.every(({ key, value }) => Object.hasOwn(found.metadata, key) && isText(found.metadata[key], value)) &&
      (externalRef === undefined ||
        found.external_refs.some(
          ({ system, id }) => system === externalRef.system && (externalRef.id === undefined || id === externalRef.id),
        )),
  };
}

function isText(found: unknown, text: string): boolean {
  return found === text || (typeof found !== "object" && String(found) === text) || (found === null && text === "null");
}

function parseSequenceCursor(cursor: string): number {
  if (/^[1-9][0-9]{0,15}$/.test(cursor)) return Number(cursor);
  throw new RegistryError("invalid_argument", "This cursor does not come from a page of this list", {
    cursor: cursor.slice(0, 40),
  });
}

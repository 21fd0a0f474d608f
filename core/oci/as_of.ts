/** Tags as they were. */
import { readsWholeLog } from "../access/decide.ts";
import { parseTimestamp, toTimestamp } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import type { Caller } from "../spi/authenticator.ts";
import {
  entryAt,
  type NamedRepository,
  type Position,
  removalsOf,
  repositoriesNamed,
  type TagEntry,
} from "../views/oci_history.ts";
import { type LocatedManifest, locatedManifest } from "../views/oci_located.ts";
import { selectByKeys } from "../views/statements.ts";
import type { AsOf } from "./administration.ts";
import type { OciDeps } from "./deps.ts";
import { manifestNotFound, repositoryNotFound } from "./names.ts";

/** Of text: digits are a sequence, everything else a time. @throws {RegistryError} `invalid_argument` */
export function parseAsOf(text: string): AsOf {
  return /^\d{1,15}$/.test(text) ? Number(text) : parseTimestamp(text);
}

/**
 * What has not come yet is refused: the answer would be another one later.
 * @throws {RegistryError} `invalid_argument`
 */
async function positionOf(deps: OciDeps, caller: Caller, asOf: AsOf): Promise<Position> {
  if (typeof asOf === "string") {
    const time = parseTimestamp(asOf);
    const now = toTimestamp(deps.clock.now());
    if (time > now) throw future(`${time} has not come yet: it is ${now}`);
    return { time };
  }
  if (!Number.isSafeInteger(asOf) || asOf < 0) {
    throw new RegistryError("invalid_argument", "A sequence is a whole number, 0 or more", { sequence: String(asOf) });
  }
  const newest = readsWholeLog(caller) ? (await deps.ledger.head()).sequence : await newestOf(deps, caller);
  if (asOf > newest) throw future(`There is no event ${asOf} yet: the newest is ${newest}`);
  return { sequence: readsWholeLog(caller) ? asOf : await inLog(deps, caller, asOf) };
}

const future = (message: string) => new RegistryError("invalid_argument", message);

async function newestOf({ ledger }: OciDeps, { tenant }: Caller): Promise<number> {
  return (await ledger.last(tenant))?.tenant_sequence ?? 0;
}

/** Of the log, from one of the caller's feed (core/feed/scope.ts). */
export async function inLog({ database }: OciDeps, caller: Caller, sequence: number): Promise<number> {
  if (readsWholeLog(caller) || sequence === 0) return sequence;
  const row = await database.read
    .selectFrom("events")
    .select("sequence")
    .where("tenant", "=", caller.tenant)
    .where("tenant_sequence", "=", sequence)
    .executeTakeFirst();
  return Number(row?.sequence ?? 0);
}

/** The way back, for many. */
export async function inFeed(
  { database }: OciDeps,
  caller: Caller,
  sequences: Iterable<number>,
): Promise<(sequence: number) => number> {
  if (readsWholeLog(caller)) return (sequence) => sequence;
  const keys = [...new Set(sequences)].map((sequence) => [sequence]);
  const rows = await selectByKeys(database.read, "events", ["sequence", "tenant_sequence"], ["sequence"], keys);
  const known = new Map(rows.map((row) => [Number(row.sequence), Number(row.tenant_sequence)]));
  return (sequence) => known.get(sequence) ?? 0;
}

/** @throws {RegistryError} `repository_not_found`: nothing was ever called so */
export async function repositoriesEver(
  { database }: OciDeps,
  { tenant }: Caller,
  name: string,
): Promise<readonly NamedRepository[]> {
  const repositories = await repositoriesNamed(database.read, { tenant, name });
  if (repositories.length === 0) throw repositoryNotFound(name);
  return repositories;
}

type Pointing = TagEntry & { readonly digest: string };

/** What the tag pointed at then. @throws {RegistryError} `repository_not_found`, `manifest_not_found`, `invalid_argument` */
export async function tagAsOf(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly tag: string; readonly asOf: AsOf },
): Promise<Pointing> {
  const { repository, tag, asOf } = input;
  const position = await positionOf(deps, caller, asOf);
  const repositories = await repositoriesEver(deps, caller, repository);
  const entry = await entryAt(deps.database.read, repositories, tag, position);
  if (entry !== undefined) return entry;
  const { message, data } = manifestNotFound(repository, tag);
  throw new RegistryError("manifest_not_found", `${message} as of ${asOf}`, { ...data, as_of: asOf });
}

/** The manifest, if the living repository of that name still has it. @throws {RegistryError} `content_removed` */
export async function manifestOf(
  deps: OciDeps,
  caller: Caller,
  name: string,
  entry: Pointing,
): Promise<LocatedManifest> {
  const where = { tenant: caller.tenant, name };
  const found = await locatedManifest(deps.database.read, where, { digest: entry.digest });
  if (found !== undefined) return found;
  // Looked up anew: the repository may have been deleted since the entry was found.
  const repositories = await repositoriesNamed(deps.database.read, where);
  const repository = repositories.find(({ id }) => id === entry.repository.id) ?? entry.repository;
  const { digest } = entry;
  const removal = (await removalsOf(deps.database.read, [{ repository, digest }]))({ repository, digest });
  const message = `${name} pointed at ${digest} then, which was removed`;
  if (removal === undefined) throw new RegistryError("content_removed", message, { repository: name, digest });
  const { occurred_at } = removal;
  const sequence = (await inFeed(deps, caller, [removal.sequence]))(removal.sequence);
  const data = { repository: name, digest, sequence, occurred_at };
  throw new RegistryError("content_removed", `${message} by event ${sequence} at ${occurred_at}`, data);
}

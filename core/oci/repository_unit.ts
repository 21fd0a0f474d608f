/**
 * Units of work in a repository. What they want is named by the repository's id, which has to be known before: it is
 * looked up, or chosen for a repository that is about to begin. The unit finds out whether it is still so; if not (two
 * began the same one, and this is the later), it decides nothing and is made again.
 */
import { RegistryError } from "../base/errors.ts";
import type { NewEvent } from "../events/types.ts";
import type { Decision, Unit } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { type Loaded, loadOne, type Wants, want } from "../views/loader.ts";
import { repositoryByName } from "../views/oci_repositories.ts";
import type { OciRepositoriesTable } from "../views/tables.ts";
import type { OciDeps } from "./deps.ts";
import { repositoryNotFound } from "./names.ts";

export interface RepositoryRef {
  readonly name: string;
  readonly id: string;
  /** False: the id is one that it will get, if its first content comes through this call. */
  readonly exists: boolean;
}

const ATTEMPTS = 5;
const MOVED = Symbol("the repository has another id");

/** The repository of that name, or the one that would begin now. */
export async function refer(deps: OciDeps, caller: Caller, name: string): Promise<RepositoryRef> {
  const row = await loadOne(deps.database.read, repositoryByName, { tenant: caller.tenant, name });
  return row === undefined
    ? { name, id: deps.ids.uuid(), exists: false }
    : { name, id: row.repository_id, exists: true };
}

/** @throws {RegistryError} `repository_not_found` */
export async function referExisting(deps: OciDeps, caller: Caller, name: string): Promise<RepositoryRef> {
  const repository = await refer(deps, caller, name);
  if (!repository.exists) throw repositoryNotFound(name);
  return repository;
}

/** Commits in `repository`, which begins with the first event that a unit asks for. */
export async function commitIn<W extends Wants, T>(
  deps: OciDeps,
  caller: Caller,
  repository: RepositoryRef,
  wantsOf: (repositoryId: string) => W,
  decide: (found: Loaded<W>, repositoryId: string) => Decision<T>,
  beside?: Unit<W, NoInfer<T>>["beside"],
): Promise<T> {
  const { name } = repository;
  let ref = repository;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { id, exists } = ref;
    const result = await deps.ledger.commit<Wants, T | typeof MOVED>(caller, {
      wants: { ...wantsOf(id), "the repository": want(repositoryByName, { tenant: caller.tenant, name }) },
      decide(found) {
        const row = found["the repository"] as OciRepositoriesTable | undefined;
        if (row === undefined ? exists : row.repository_id !== id) return { events: [], result: MOVED };
        const decision = decide(found as Loaded<W>, id);
        if (row !== undefined || decision.events.length === 0) return decision;
        const created: NewEvent = { type: "v1.oci.repository_created", subject: id, payload: { name } };
        return { ...decision, events: [created, ...decision.events] };
      },
      ...(beside !== undefined && {
        beside: async (trx, result) => (result === MOVED ? undefined : await beside(trx, result)),
      }),
    });
    if (result !== MOVED) return result;
    ref = await refer(deps, caller, name);
  }
  throw new RegistryError("conflict", `${name} was begun and deleted again meanwhile; try again`, { repository: name });
}

/** Administration of repositories behind a server. */
import {
  checkReason,
  checkRepository,
  checkTag,
  type DeletedRepository,
  type OciAdministration,
  type RepositoryDetails,
  type RepositorySummary,
  type RestoredTag,
  type TagHistoryEntry,
} from "../../core/mod.ts";
import { type Asked, answer, type Server } from "./server.ts";

/** Names are checked here, by the rules of the library: not every wrong one would survive in a URL. */
export function repositoriesBehind(server: Server): OciAdministration {
  const { api } = server;
  return {
    async browseRepositories(caller, query = {}) {
      const call = (asked: Asked) => api.listRepositories({ ...asked, query });
      return pageOf(answer<Page<RepositorySummary>>(server, await server.ask(caller, call)));
    },
    async showRepository(caller, { repository: name }) {
      checkRepository(name);
      const call = (asked: Asked) => api.getRepository({ ...asked, path: { name } });
      return answer<RepositoryDetails>(server, await server.ask(caller, call));
    },
    async deleteRepository(caller, input) {
      const { repository: name } = input;
      checkRepository(name);
      if (input.dryRun !== true) checkReason(input.reason);
      const query = input.dryRun === true ? { dry_run: true } : { reason: input.reason };
      const call = (asked: Asked) => api.deleteRepository({ ...asked, path: { name }, query });
      // Asked twice, the second answer would be that it is not there.
      const how = { again: input.dryRun === true, long: true };
      return answer<DeletedRepository>(server, await server.ask(caller, call, how));
    },
    async tagHistory(caller, { repository: name, tag, ...query }) {
      checkRepository(name);
      checkTag(tag);
      const call = (asked: Asked) => api.getTagHistory({ ...asked, path: { name, tag }, query });
      return pageOf(answer<Page<TagHistoryEntry>>(server, await server.ask(caller, call)));
    },
    async restoreTag(caller, { repository: name, tag, asOf }) {
      checkRepository(name);
      checkTag(tag);
      const request = { path: { name, tag }, body: { as_of: asOf } };
      const call = (asked: Asked) => api.restoreTag({ ...asked, ...request });
      return answer<RestoredTag>(server, await server.ask(caller, call));
    },
  };
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

function pageOf<T>({ items, next_cursor }: Page<T>): { readonly items: readonly T[]; readonly cursor?: string } {
  return next_cursor === null ? { items } : { items, cursor: next_cursor };
}

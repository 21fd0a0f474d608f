/** `/v1/repositories`: looking after what is below `/v2/`. */
import { createRoute } from "@hono/zod-openapi";
import { type OciRegistry, parseAsOf, RegistryError } from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { given } from "../http/given.ts";
import { json } from "../json.ts";
import { headers, PageQuery } from "../schemas/common.ts";
import { problems } from "../schemas/problem.ts";
import {
  DeletedRepositorySchema,
  DeleteRepositoryQuery,
  RepositoryPageSchema,
  RepositoryParam,
  RepositoryQuery,
  RepositorySchema,
  RestoredTagSchema,
  RestoreTagSchema,
  TagHistoryPageSchema,
  TagParams,
} from "../schemas/repository.ts";

const list = createRoute({
  method: "get",
  path: "/v1/repositories",
  operationId: "listRepositories",
  tags: ["repositories"],
  summary: "Repositories, in byte order of their names",
  request: { query: RepositoryQuery },
  responses: {
    200: {
      description: "A page",
      headers: headers(),
      content: { "application/json": { schema: RepositoryPageSchema } },
    },
    ...problems(),
  },
});

const show = createRoute({
  method: "get",
  path: "/v1/repositories/{name}",
  operationId: "getRepository",
  tags: ["repositories"],
  summary: "A repository, and how much is in it",
  request: { params: RepositoryParam },
  responses: {
    200: {
      description: "The repository",
      headers: headers(),
      content: { "application/json": { schema: RepositorySchema } },
    },
    ...problems(404),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/repositories/{name}",
  operationId: "deleteRepository",
  tags: ["repositories"],
  summary: "Delete a repository with everything in it",
  description:
    "Its tags, manifests and links to blobs go at once; what others have too stays theirs. Its events and the histories of its tags stay, and the name can be used again. Uploads under way go on, and begin it anew.",
  request: { params: RepositoryParam, query: DeleteRepositoryQuery },
  responses: {
    200: {
      description: "What went, or would go",
      headers: headers(),
      content: { "application/json": { schema: DeletedRepositorySchema } },
    },
    ...problems(404, 409),
  },
});

const history = createRoute({
  method: "get",
  path: "/v1/repositories/{name}/tags/{tag}/history",
  operationId: "getTagHistory",
  tags: ["repositories"],
  summary: "What a tag pointed at, newest first",
  description:
    "Over all repositories that had this name. `GET /v2/{name}/manifests/{tag}?as-of=<sequence or time>` gives the manifest of then, as long as it is there; afterwards 410, with the event that removed it.",
  request: { params: TagParams, query: PageQuery },
  responses: {
    200: {
      description: "A page",
      headers: headers(),
      content: { "application/json": { schema: TagHistoryPageSchema } },
    },
    ...problems(404),
  },
});

const restore = createRoute({
  method: "post",
  path: "/v1/repositories/{name}/tags/{tag}/restore",
  operationId: "restoreTag",
  tags: ["repositories"],
  summary: "Point a tag where it pointed before",
  description:
    "Also a tag that was deleted. What it pointed at must still be there (else 410), and its blobs with it (else 422), as for a push.",
  request: {
    params: TagParams,
    body: { required: true, content: { "application/json": { schema: RestoreTagSchema } } },
  },
  responses: {
    200: {
      description: "Where it points now",
      headers: headers(),
      content: { "application/json": { schema: RestoredTagSchema } },
    },
    ...problems(404, 409, 410, 413, 415, 422),
  },
});

export function repositoryRoutes(app: App, oci: OciRegistry): void {
  addRoute(app, list, async (c) => {
    const { items, cursor = null } = await oci.browseRepositories(c.get("caller"), given(c.req.valid("query")));
    return json({ items, next_cursor: cursor });
  });
  addRoute(app, show, async (c) => {
    return json(await oci.showRepository(c.get("caller"), { repository: c.req.valid("param").name }));
  });
  addRoute(app, remove, async (c) => {
    const { reason, dry_run: dryRun } = c.req.valid("query");
    const repository = c.req.valid("param").name;
    if (dryRun) return json(await oci.deleteRepository(c.get("caller"), { repository, dryRun }));
    if (reason === undefined) {
      throw new RegistryError("invalid_argument", "Say why: ?reason=. With ?dry_run=true nothing is deleted");
    }
    return json(await oci.deleteRepository(c.get("caller"), { repository, reason }));
  });
  addRoute(app, history, async (c) => {
    const { name: repository, tag } = c.req.valid("param");
    const query = { repository, tag, ...given(c.req.valid("query")) };
    const { items, cursor = null } = await oci.tagHistory(c.get("caller"), query);
    return json({ items, next_cursor: cursor });
  });
  addRoute(app, restore, async (c) => {
    const { name: repository, tag } = c.req.valid("param");
    const { as_of } = c.req.valid("json");
    const asOf = typeof as_of === "number" ? as_of : parseAsOf(as_of);
    return json(await oci.restoreTag(c.get("caller"), { repository, tag, asOf }));
  });
}

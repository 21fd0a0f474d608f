/** `/packages`: creating, finding, closing, verifying. */
import { createRoute, type z } from "@hono/zod-openapi";
import { type ListPackagesQuery, type Registry, RegistryError } from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { given } from "../http/given.ts";
import { packageInputOf } from "../http/package_input.ts";
import { slowJson } from "../http/slow_json.ts";
import { json } from "../json.ts";
import { type HeaderName, headers, IdempotencyHeaders, PackageParam } from "../schemas/common.ts";
import { FINALIZED_LINKS, PACKAGE_LINKS } from "../schemas/links.ts";
import {
  AbandonSchema,
  FinalizedPackageSchema,
  NewPackageSchema,
  PackagePageSchema,
  PackageQuery,
  PackageSchema,
  VerifyReportSchema,
} from "../schemas/package.ts";
import { problems } from "../schemas/problem.ts";

const one = (description: string, ...names: HeaderName[]) => ({
  description,
  headers: headers(...names),
  content: { "application/json": { schema: PackageSchema } },
});
const finalized = {
  description: "The finalised package",
  headers: headers(),
  content: { "application/json": { schema: FinalizedPackageSchema } },
};

const create = createRoute({
  method: "post",
  path: "/packages",
  operationId: "createPackage",
  tags: ["packages"],
  summary: "Open a package",
  request: {
    headers: IdempotencyHeaders,
    body: { required: true, content: { "application/json": { schema: NewPackageSchema } } },
  },
  responses: { 201: { ...one("The new package", "Location"), links: PACKAGE_LINKS }, ...problems(409, 413, 415, 422) },
});

const list = createRoute({
  method: "get",
  path: "/packages",
  operationId: "listPackages",
  tags: ["packages"],
  summary: "Packages, newest first",
  request: { query: PackageQuery },
  responses: {
    200: {
      description: "A page",
      headers: headers(),
      content: { "application/json": { schema: PackagePageSchema } },
    },
    ...problems(),
  },
});

const get = createRoute({
  method: "get",
  path: "/packages/{id}",
  operationId: "getPackage",
  tags: ["packages"],
  summary: "A package by its id or name@version",
  request: { params: PackageParam },
  responses: { 200: one("The package"), ...problems(404) },
});

const finalize = createRoute({
  method: "post",
  path: "/packages/{id}/finalize",
  operationId: "finalizePackage",
  tags: ["packages"],
  summary: "Close a package for good; doing it twice gives the same answer",
  request: { params: PackageParam },
  responses: {
    200: { ...finalized, links: FINALIZED_LINKS },
    ...problems(404, 409, 413),
  },
});

const abandon = createRoute({
  method: "post",
  path: "/packages/{id}/abandon",
  operationId: "abandonPackage",
  tags: ["packages"],
  summary: "Give an open package up; it can never be finalised",
  request: {
    params: PackageParam,
    body: { required: true, content: { "application/json": { schema: AbandonSchema } } },
  },
  responses: { 200: one("The abandoned package"), ...problems(404, 409, 413, 415) },
});

const verify = createRoute({
  method: "post",
  path: "/packages/{id}/verify",
  operationId: "verifyPackage",
  tags: ["packages"],
  summary: "Digest every stored object of a package again",
  description:
    "Damage is the answer, not an error. It takes as long as reading everything once; meanwhile the answer is spaces, so that the connection lives.",
  request: { params: PackageParam },
  responses: {
    200: {
      description: "What was found",
      headers: headers(),
      content: { "application/json": { schema: VerifyReportSchema } },
    },
    ...problems(404),
  },
});

export function packageRoutes(app: App, registry: Registry): void {
  addRoute(app, create, async (c) => {
    const key = c.req.valid("header")["idempotency-key"];
    const input = packageInputOf(c.req.valid("json"));
    const made = await registry.createPackage(c.get("caller"), input, key === undefined ? {} : { idempotencyKey: key });
    return json(made, 201, { location: `/packages/${made.package_id}` });
  });
  addRoute(app, list, async (c) => {
    const { items, cursor = null } = await registry.listPackages(c.get("caller"), queryOf(c.req.valid("query")));
    return json({ items, next_cursor: cursor });
  });
  addRoute(app, get, async (c) => json(await registry.getPackage(c.get("caller"), c.req.valid("param").id)));
  addRoute(app, finalize, async (c) => {
    const closed = await registry.finalizePackage(c.get("caller"), c.req.valid("param").id);
    c.env.warnings.push(...closed.warnings.map((warning) => warning.code));
    return json(closed);
  });
  addRoute(app, abandon, async (c) => {
    const caller = c.get("caller");
    const { package_id: packageId } = await registry.getPackage(caller, c.req.valid("param").id);
    await registry.abandonPackage(caller, { packageId, reason: c.req.valid("json").reason });
    return json(await registry.getPackage(caller, packageId));
  });
  addRoute(app, verify, (c) => slowJson(registry.verifyPackage(c.get("caller"), c.req.valid("param").id)));
}

function queryOf(query: z.output<typeof PackageQuery>): ListPackagesQuery {
  const { external_system: system, external_id: id, name, name_prefix, state, limit, cursor } = query;
  if (system === undefined && id !== undefined) {
    throw new RegistryError("invalid_argument", "external_id goes with external_system");
  }
  const metadata = query.metadata.map((filter) => {
    const at = filter.indexOf("=");
    if (at < 0) throw new RegistryError("invalid_argument", "A metadata filter reads key=value");
    return { key: filter.slice(0, at), value: filter.slice(at + 1) };
  });
  return given({
    name,
    namePrefix: name_prefix,
    state,
    retentionClass: query.retention_class,
    externalRef: system === undefined ? undefined : { system, ...(id === undefined ? {} : { id }) },
    createdAfter: query.created_after,
    createdBefore: query.created_before,
    metadata: metadata.length === 0 ? undefined : metadata,
    limit,
    cursor,
  });
}

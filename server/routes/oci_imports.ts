/** `/packages/import-oci`: from the registry's door to the other one. */
import { createRoute } from "@hono/zod-openapi";
import type { Registry } from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { packageInputOf } from "../http/package_input.ts";
import { json } from "../json.ts";
import { headers, IdempotencyHeaders } from "../schemas/common.ts";
import { FINALIZED_LINKS } from "../schemas/links.ts";
import { ImportedPackageSchema, NewOciImportSchema } from "../schemas/oci_import.ts";
import { problems } from "../schemas/problem.ts";

const create = createRoute({
  method: "post",
  path: "/packages/import-oci",
  operationId: "importOci",
  tags: ["packages"],
  summary: "Make a package of an image or artifact in a repository, and close it",
  description:
    "The package is the OCI image layout of what is named (`oci-layout`, `index.json`, `blobs/<algorithm>/<digest>`) with everything that it reaches. No blob is copied.\n\nWhat manifests name and the repository does not have is refused with `manifest_blob_unknown`, unless it is allowed; layers that may not be distributed may be elsewhere.",
  request: {
    headers: IdempotencyHeaders,
    body: { required: true, content: { "application/json": { schema: NewOciImportSchema } } },
  },
  responses: {
    201: {
      description: "The finalised package",
      headers: headers("Location"),
      content: { "application/json": { schema: ImportedPackageSchema } },
      links: FINALIZED_LINKS,
    },
    ...problems(404, 409, 413, 415, 422),
  },
});

export function ociImportRoutes(app: App, registry: Registry): void {
  addRoute(app, create, async (c) => {
    const key = c.req.valid("header")["idempotency-key"];
    const {
      repository,
      reference,
      referrers = false,
      allow_missing: allowMissing = false,
      ...made
    } = c.req.valid("json");
    const input = { repository, reference, referrers, allowMissing, package: packageInputOf(made) };
    const options = key === undefined ? {} : { idempotencyKey: key };
    const imported = await registry.importOci(c.get("caller"), input, options);
    c.env.warnings.push(...imported.warnings.map((warning) => warning.code));
    return json(imported, 201, { location: `/packages/${imported.package_id}` });
  });
}

/** `/v1/tag-rules`: which tags of OCI repositories can neither move nor go. */
import { createRoute } from "@hono/zod-openapi";
import type { OciRegistry } from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { slowJson } from "../http/slow_json.ts";
import { json } from "../json.ts";
import { headers } from "../schemas/common.ts";
import { problems } from "../schemas/problem.ts";
import {
  PreviewTagRulesSchema,
  SetTagRulesSchema,
  TagRulesPreviewSchema,
  TagRulesSchema,
} from "../schemas/tag_rules.ts";

const answer = (description: string) => ({
  description,
  headers: headers(),
  content: { "application/json": { schema: TagRulesSchema } },
});

const get = createRoute({
  method: "get",
  path: "/v1/tag-rules",
  operationId: "getTagRules",
  tags: ["repositories"],
  summary: "The rules for immutable tags",
  responses: { 200: answer("The rules of the tenant"), ...problems() },
});

const set = createRoute({
  method: "put",
  path: "/v1/tag-rules",
  operationId: "setTagRules",
  tags: ["repositories"],
  summary: "Replace the rules for immutable tags",
  description:
    "A tag that falls under a rule cannot move or be removed from then on, nor can the manifest or repository that it points at. Setting what there is changes nothing.",
  request: { body: { required: true, content: { "application/json": { schema: SetTagRulesSchema } } } },
  responses: { 200: answer("The rules as they are now"), ...problems(409, 413, 415) },
});

const preview = createRoute({
  method: "post",
  path: "/v1/tag-rules/preview",
  operationId: "previewTagRules",
  tags: ["repositories"],
  summary: "What other rules would change for the tags that there are",
  description: "It sets nothing. It looks at every tag; while that takes long the answer is spaces.",
  request: { body: { required: true, content: { "application/json": { schema: PreviewTagRulesSchema } } } },
  responses: {
    200: {
      description: "How many tags become immutable, or free",
      headers: headers(),
      content: { "application/json": { schema: TagRulesPreviewSchema } },
    },
    ...problems(413, 415),
  },
});

export function tagRuleRoutes(app: App, oci: OciRegistry): void {
  addRoute(app, get, async (c) => json(await oci.getTagRules(c.get("caller"))));
  addRoute(app, set, async (c) => {
    const { rules, reason, expected } = c.req.valid("json");
    const input = { rules, reason, ...(expected !== undefined && { expected }) };
    return json(await oci.setTagRules(c.get("caller"), input));
  });
  addRoute(app, preview, (c) => slowJson(oci.previewTagRules(c.get("caller"), c.req.valid("json"))));
}

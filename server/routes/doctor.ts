/** `/doctor`: what crashes left behind, and what should be there but is not. */
import { createRoute } from "@hono/zod-openapi";
import type { Registry } from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { slowJson } from "../http/slow_json.ts";
import { headers } from "../schemas/common.ts";
import { DoctorQuery, DoctorReportSchema, FixReportSchema } from "../schemas/doctor.ts";
import { problems } from "../schemas/problem.ts";

const inspect = createRoute({
  method: "get",
  path: "/doctor",
  operationId: "inspectStore",
  tags: ["maintenance"],
  summary: "Leftovers of crashes, and what is missing",
  description:
    "Damage is the answer, not an error. It lists everything that is stored, and reads no content. While it takes long the answer is spaces.",
  request: { query: DoctorQuery },
  responses: {
    200: {
      description: "What was found",
      headers: headers(),
      content: { "application/json": { schema: DoctorReportSchema } },
    },
    ...problems(),
  },
});

const fix = createRoute({
  method: "post",
  path: "/doctor/fix",
  operationId: "fixStore",
  tags: ["maintenance"],
  summary: "Remove leftovers, and nothing that a name points at",
  request: { query: DoctorQuery },
  responses: {
    200: {
      description: "What was found before, and what was removed",
      headers: headers(),
      content: { "application/json": { schema: FixReportSchema } },
    },
    ...problems(),
  },
});

/** Seconds, as asked, in the milliseconds of the library. */
const graceOf = ({ grace }: { readonly grace?: number | undefined }) =>
  grace === undefined ? {} : { grace: grace * 1000 };

export function doctorRoutes(app: App, registry: Registry): void {
  addRoute(app, inspect, (c) => {
    const { signal } = c.req.raw;
    return slowJson(registry.inspect(c.get("caller"), { ...graceOf(c.req.valid("query")), signal }));
  });
  addRoute(app, fix, (c) => {
    const caller = c.get("caller");
    const { signal } = c.req.raw;
    const holder = `${caller.principal.subject} (request ${c.env.requestId})`;
    return slowJson(registry.fix(caller, { ...graceOf(c.req.valid("query")), signal, holder }));
  });
}

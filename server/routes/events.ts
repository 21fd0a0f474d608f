/** `/events`: the log as a feed, by pages, long-polls and streams. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Registry } from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { negotiate } from "../http/accept.ts";
import { HttpError } from "../http/error.ts";
import { pageCbor, pageJson } from "../http/event_forms.ts";
import { eventStream, linked } from "../http/event_stream.ts";
import { json } from "../json.ts";
import { headers } from "../schemas/common.ts";
import { binary } from "../schemas/content.ts";
import { EventHeaders, EventHeadSchema, EventPageSchema, EventParam, EventQuerySchema } from "../schemas/event.ts";
import { problems } from "../schemas/problem.ts";

/** The first is what a client gets that does not mind. */
const FORMS = ["application/json", "application/cbor", "text/event-stream"] as const;

const feed = createRoute({
  method: "get",
  path: "/events",
  operationId: "listEvents",
  tags: ["events"],
  summary: "What happened, in order",
  description: [
    "`application/json`: canonical JSON (RFC 8785); hashes as hex, payloads in the JSON projection of their CBOR.",
    "`application/cbor`: the same members; hashes, salt, `context` and `payload` are byte strings, the last two exactly as stored.",
    "`text/event-stream`: every event as it comes, `id` its sequence, `event` its type, `data` its JSON; a comment whenever nothing was sent for 7 seconds.",
    "A caller who may read the whole log gets it, counted by `sequence`. Everybody else gets the events of their tenant, counted by `tenant_sequence`.",
  ].join("\n\n"),
  request: { query: EventQuerySchema, headers: EventHeaders },
  responses: {
    200: {
      description: "A page, or a stream",
      headers: headers("Vary"),
      content: {
        "application/json": { schema: EventPageSchema },
        "application/cbor": { schema: binary },
        "text/event-stream": {
          schema: z.string().openapi({
            example: 'id: 42\nevent: v1.package.created\ndata: {"actor":"local:ci","sequence":42}\n\n',
          }),
        },
      },
    },
    ...problems(406),
  },
});

const head = createRoute({
  method: "get",
  path: "/events/head",
  operationId: "getEventHead",
  tags: ["events"],
  summary: "The newest event; keep its hash elsewhere, and a rewritten log can be told",
  responses: {
    200: { description: "The head", headers: headers(), content: { "application/json": { schema: EventHeadSchema } } },
    ...problems(),
  },
});

const payload = createRoute({
  method: "get",
  path: "/events/{sequence}/payload",
  operationId: "getEventPayload",
  tags: ["events"],
  summary: "The payload of an event: the exact bytes, of any size",
  request: { params: EventParam },
  responses: {
    200: {
      description: "Canonical CBOR (RFC 8949, 4.2)",
      headers: headers("Content-Length"),
      content: { "application/cbor": { schema: binary } },
    },
    ...problems(404),
  },
});

/** `stopping` aborts when the server begins to stop: nobody is kept waiting for events then. */
export function eventRoutes(app: App, registry: Registry, stopping?: AbortSignal): void {
  addRoute(app, head, async (c) => json(await registry.feedHead(c.get("caller"))));

  addRoute(app, payload, async (c) => {
    const bytes = await registry.getEventPayload(c.get("caller"), c.req.valid("param").sequence);
    return bytesResponse(bytes, "application/cbor");
  });

  addRoute(app, feed, async (c) => {
    const form = negotiate(c.req.raw.headers.get("accept"), FORMS);
    if (form === undefined) throw new HttpError("not_acceptable", `Events come as ${FORMS.join(", ")}`);
    const caller = c.get("caller");
    const { limit = 100, wait = 0, type: types, subject, ...query } = c.req.valid("query");
    const since = c.req.valid("header")["last-event-id"] ?? query.since ?? 0;
    const signals = [stopping, c.req.raw.signal];
    if (form === "text/event-stream") {
      const follower = registry.followEvents(caller, { since, types, subject });
      return new Response(eventStream(follower, signals), {
        // The last one asks proxies (nginx) not to gather what is meant to arrive at once.
        headers: { ...NOT_KEPT, "content-type": form, "x-accel-buffering": "no" },
      });
    }
    if (wait > 0) c.env.onlyWaits();
    const { signal, release } = linked(wait === 0 ? [] : signals);
    try {
      const page = await registry.readEvents(caller, { since, limit, wait: wait * 1000, types, subject, signal });
      return bytesResponse(form === "application/cbor" ? pageCbor(page) : await pageJson(page), form);
    } finally {
      release();
    }
  });
}

const NOT_KEPT = { "cache-control": "private, no-store", vary: "accept" };

function bytesResponse(bytes: Uint8Array<ArrayBuffer>, type: string): Response {
  return new Response(bytes, {
    headers: { ...NOT_KEPT, "content-type": type, "content-length": String(bytes.length) },
  });
}

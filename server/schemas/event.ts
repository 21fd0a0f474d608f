/** Events and their feed. */
import { z } from "@hono/zod-openapi";
import { EVENT_TYPES, type EventType } from "../../core/mod.ts";
import { EXAMPLE_ID } from "./common.ts";

const EXAMPLE_HASH = "5f0c8a52e1b7449d".repeat(4);
const TYPES = [...EVENT_TYPES] as [EventType, ...EventType[]];

/** Far beyond what a log will hold, and exact in every client. */
const LAST = 999_999_999_999_999;
const position = z.string().regex(/^(?:0|[1-9][0-9]{0,14})$/, "A whole number from 0 on");

/** Whole numbers in a query: the description says integer, what arrives is text. */
const whole = (text: z.ZodString, about: Readonly<Record<string, unknown>>) =>
  text
    .transform(Number)
    .optional()
    .openapi({ type: "integer", ...about } as never);

export const EventQuerySchema = z.strictObject({
  since: whole(position, {
    minimum: 0,
    maximum: LAST,
    default: 0,
    description: "Only events after this one: `last_sequence` of the page before. 0: from the beginning",
    example: 41,
  }),
  limit: whole(z.string().regex(/^(?:[1-9][0-9]{0,2}|1000)$/, "A whole number from 1 to 1000"), {
    minimum: 1,
    maximum: 1000,
    default: 100,
    description: "Events on the page at most. A page also ends at 4 MiB of payloads. A stream has no limit",
    example: 100,
  }),
  wait: whole(z.string().regex(/^(?:[0-5]?[0-9]|60)$/, "A whole number of seconds from 0 to 60"), {
    minimum: 0,
    maximum: 60,
    default: 0,
    description: "Seconds to wait for an event while there is none after `since` (long-poll)",
    example: 30,
  }),
  type: z
    .preprocess(
      (given) => (given === undefined ? undefined : [given].flat().flatMap((text) => String(text).split(","))),
      z.array(z.enum(TYPES)).min(1).max(32).optional(),
    )
    .openapi({
      type: "array",
      items: { type: "string", enum: TYPES },
      minItems: 1,
      maxItems: 32,
      description: "Only events of these types: with commas, or the parameter several times",
      param: { name: "type", in: "query", style: "form", explode: false },
      example: ["v1.package.finalized"],
    } as never),
  subject: z
    .string()
    .regex(/^[!-~]{1,200}$/, "An id: 1 to 200 ASCII characters, without spaces")
    .optional()
    .openapi({
      description: "Only events about this: id of a package, content address, name of a tenant or of a class",
      example: EXAMPLE_ID,
    }),
});

export const EventHeaders = z.object({
  accept: z.string().optional().openapi({ description: "Which form", example: "application/json" }),
  "last-event-id": position.transform(Number).optional().openapi({
    type: "string",
    pattern: "^(?:0|[1-9][0-9]{0,14})$",
    description: "Wins over `since`: what a client of a stream sends by itself when it connects again",
    example: "41",
  }),
});

const hex = (length: number, description: string) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${length}}$`))
    .openapi({ description, example: EXAMPLE_HASH.slice(0, length) });

export const EventSchema = z
  .object({
    sequence: z.int().openapi({ description: "1, 2, 3 ... without gaps: the position in this feed", example: 42 }),
    event_id: z.uuid().openapi({ example: EXAMPLE_ID }),
    type: z.string().openapi({
      description: "What happened. New types come; a client passes over what it does not know",
      example: "v1.package.created",
    }),
    tenant: z.string().openapi({ example: "default" }),
    tenant_sequence: z.int().openapi({ description: "1, 2, 3 ... without gaps inside the tenant", example: 42 }),
    subject: z.string().openapi({ description: "Opaque id of what it happened to", example: EXAMPLE_ID }),
    actor: z.string().openapi({ description: "Opaque id of a principal", example: "local:ci" }),
    occurred_at: z.iso.datetime().openapi({ example: "2026-11-21T10:40:00.000Z" }),
    commitment: hex(64, "BLAKE3 of the canonical CBOR of [salt, context, payload], three byte strings"),
    prev_hash: hex(
      64,
      "`hash` of the event before; 64 zeros for the first. Null where the feed is not the log",
    ).nullable(),
    hash: hex(
      64,
      "BLAKE3 of the canonical CBOR of [sequence, event_id, type, tenant, subject, actor, occurred_at, commitment, prev_hash]",
    ).nullable(),
    salt: hex(32, "Null once the payload is erased").nullable(),
    context: z
      .record(z.string(), z.string())
      .nullable()
      .openapi({
        description: "What is known of the call. Null once the payload is erased",
        example: { request_id: "build-42" },
      }),
    payload: z
      .custom<unknown>((value) => value !== undefined)
      .openapi({
        type: ["object", "null"],
        additionalProperties: true,
        description: "By type. Null when it is larger than 64 KiB (see payload_url) or erased",
        example: { name: "team/app", version: null },
      } as never),
    payload_size: z.int().nullable().openapi({ description: "Bytes as CBOR; null once erased", example: 180 }),
    payload_url: z.string().nullable().openapi({
      description: "Where a payload is that is larger than 64 KiB, relative to this server",
      example: null,
    }),
  })
  .openapi("Event");

export const EventPageSchema = z
  .object({
    events: z.array(EventSchema),
    last_sequence: z.int().openapi({
      description: "`since` of the next page. It moves on also where no event matched",
      example: 42,
    }),
    pending: z.int().openapi({
      description:
        "Events that follow this page; 0 exactly when there are none yet. With `type` or `subject` a lower bound, 1000 at most. A page may be short, or empty, while there are more",
      example: 0,
    }),
  })
  .openapi("EventPage");

export const EventHeadSchema = z
  .object({
    sequence: z.int().openapi({ description: "Of the newest event; 0 when there is none", example: 42 }),
    hash: hex(64, "Of the newest event. Null where the feed is not the log").nullable(),
  })
  .openapi("EventHead");

export const EventParam = z.object({
  sequence: z
    .string()
    .regex(/^[1-9][0-9]{0,14}$/, "A whole number from 1 on")
    .transform(Number)
    .openapi({
      type: "integer",
      minimum: 1,
      maximum: LAST,
      description: "Position in the caller's feed",
      example: 42,
    } as never),
});

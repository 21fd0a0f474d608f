import { z } from "@hono/zod-openapi";

const why = { detail: z.string().optional().openapi({ description: "Why not, for people" }) };
const bytes = () => z.int().optional();

export const HealthSchema = z
  .object({
    status: z.enum(["ok", "degraded"]),
    version: z.string().openapi({ example: "0.1.0" }),
    commit: z.string().openapi({ example: "0123456789ab" }),
    registry: z.object({
      ok: z.boolean(),
      head: z
        .object({ sequence: z.int(), hash: z.string() })
        .nullable()
        .openapi({ description: "The end of the event log; worth keeping elsewhere" }),
    }),
    database: z.object({
      ok: z.boolean(),
      kind: z.string().openapi({ example: "sqlite" }),
      version: z.string(),
      synchronous: z.string().openapi({ description: "As read back from the database" }),
      journal_mode: z.string().optional(),
      free_bytes: bytes(),
      ...why,
    }),
    storage: z.array(
      z.object({
        backend_id: z.string(),
        kind: z.string().openapi({ example: "fs" }),
        ok: z.boolean(),
        writable: z.boolean(),
        free_bytes: bytes(),
        total_bytes: bytes(),
        ...why,
      }),
    ),
    hasher: z.object({ kernel: z.string(), name: z.string() }),
    runtime: z.object({ name: z.enum(["bun", "deno", "node"]), version: z.string() }),
  })
  .openapi("Health");

export const ReadySchema = z.object({ status: z.enum(["ready", "degraded", "stopping"]) }).openapi("Ready");

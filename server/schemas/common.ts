/** Parts that many routes share. */
import { z } from "@hono/zod-openapi";

export const EXAMPLE_ID = "019374e0-0000-7000-8000-000000000001";
export const EXAMPLE_ADDRESS = `blake3:${"af1349b9f5f9a1a6a0404dea36dcc949".repeat(2)}`;

export const PackageParam = z.object({
  id: z.string().openapi({
    description: "Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`",
    example: EXAMPLE_ID,
  }),
});

export const FileParams = PackageParam.extend({
  path: z.string().openapi({
    description:
      "Path inside the package, exact UTF-8, percent-encoded. Slashes may be sent plain or as `%2F`. No empty, `.` or `..` segments, 256 segments and 4096 bytes at most, 255 bytes a segment",
    example: "results/junit.xml",
  }),
});

/**
 * Grammars for the description. They are not checked here: core knows them, and refuses with a code that says which.
 */
export const GRAMMAR = {
  name: {
    pattern: "^[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*$",
    maxLength: 200,
  },
  version: { pattern: "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$" },
  schemaId: { pattern: "^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,199}$" },
  contentAddress: { pattern: "^blake3:[0-9a-f]{64}$" },
  time: { format: "date-time" },
} as const;

/** RFC 3339, in answers. */
export const time = () => z.iso.datetime().openapi({ example: "2026-11-21T10:40:00.000Z" });

/** A whole number in a query. The description says integer; what arrives is text. */
const limit = z
  .string()
  .regex(/^(?:[1-9][0-9]{0,2}|1000)$/, "A whole number from 1 to 1000")
  .transform(Number)
  .optional()
  .openapi({
    type: "integer",
    minimum: 1,
    maximum: 1000,
    default: 100,
    description: "Items on the page at most",
    examples: [50],
  } as const);

export const page = {
  limit,
  cursor: z.string().min(1).max(4096).optional().openapi({
    description: "`next_cursor` of the page before, unchanged",
  }),
};

export function flag(description: string) {
  return z
    .enum(["true", "false"])
    .optional()
    .transform((text) => text === "true")
    .openapi({ type: "boolean", default: false, description } as never);
}

export const PageQuery = z.strictObject(page);

export const IdempotencyHeaders = z.object({
  "idempotency-key": z
    .string()
    .optional()
    .openapi({
      pattern: "^[!-~]{1,255}$",
      description:
        "1 to 255 printable ASCII characters, no spaces. The same request with the same key within 24 hours gets the first answer and makes nothing (draft-ietf-httpapi-idempotency-key-header)",
      examples: ["build-4711"],
    }),
});

const header = (description: string, example: string | number, type: "string" | "integer" = "string") => ({
  description,
  required: true,
  schema: { type, example },
});

/** Response headers, to be described where they are sent. */
export const HEADERS = {
  "X-Request-Id": header("The id of this request; the server's log has it", EXAMPLE_ID),
  ETag: header("Strong; changes with the content", `"${EXAMPLE_ADDRESS}"`),
  "Content-Length": header("Bytes that follow", 1234, "integer"),
  "Content-Range": header("The bytes that follow, and the size of the whole", "bytes 0-99/1234"),
  "Content-Disposition": header("Always a download", 'attachment; filename="junit.xml"'),
  "Accept-Ranges": header("Ranges of bytes are answered", "bytes"),
  "Repr-Digest": header(
    "RFC 9530; of the whole content, also on a range. `blake3` is not a registered name",
    "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
  ),
  Location: header("Where the new thing is", `/packages/${EXAMPLE_ID}`),
  Vary: header("What else the answer depends on", "Accept"),
} as const;

export type HeaderName = keyof typeof HEADERS;

export function headers(...names: readonly HeaderName[]) {
  return Object.fromEntries(([...names, "X-Request-Id"] as const).map((name) => [name, HEADERS[name]]));
}

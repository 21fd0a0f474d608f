/** Raw content in the description. */
import { z } from "@hono/zod-openapi";
import { headers } from "./common.ts";

export const binary = z.string().openapi({ format: "binary", description: "The bytes, as they are" });

export const ConditionalHeaders = z.object({
  range: z
    .string()
    .optional()
    .openapi({
      description:
        "One range of bytes, also from the end (`bytes=-500`). Several ranges, or other units, get the whole",
      examples: ["bytes=0-99"],
    }),
  "if-range": z.string().optional().openapi({
    description: "The range only if this is still the ETag, otherwise the whole",
  }),
  "if-match": z.string().optional().openapi({ description: "412 unless one of these is the ETag" }),
  "if-none-match": z.string().optional().openapi({ description: "304 if one of these is the ETag" }),
});

const common = ["Content-Length", "ETag", "Accept-Ranges", "Repr-Digest", "Content-Disposition"] as const;
const content = { "application/octet-stream": { schema: binary } };

/** Answers of a route that gives stored bytes. The media type is the file's own. */
export const contentResponses = {
  200: { description: "The whole content, under the media type of the file", headers: headers(...common), content },
  206: { description: "The range", headers: headers(...common, "Content-Range"), content },
  304: { description: "The client has it already", headers: headers("ETag") },
} as const;

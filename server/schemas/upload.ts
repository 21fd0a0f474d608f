import { z } from "@hono/zod-openapi";
import { EXAMPLE_ID, flag, HEADERS } from "./common.ts";
import { FileEntrySchema } from "./entry.ts";

export const UploadSchema = z
  .object({
    upload_id: z.uuid().openapi({ example: EXAMPLE_ID }),
    package_id: z.uuid().openapi({ example: EXAMPLE_ID }),
    path: z.string().openapi({ example: "results/junit.xml" }),
    offset: z.int().openapi({ description: "Bytes that are durable; never decreases", example: 1048576 }),
    length: z.int().nullable().openapi({ description: "Bytes of the whole, once they are known" }),
    max_size: z.int().openapi({ description: "Bytes at most" }),
    complete: z.boolean().openapi({ description: "There is a final answer: `entry` or `refusal`" }),
    // A union: on a reference, "nullable" would describe that it can be both.
    entry: z.union([FileEntrySchema, z.null()]).openapi({ description: "The entry of the package" }),
    deduplicated: z.boolean().nullable().openapi({ description: "A stored copy of these bytes was kept" }),
    replaced: z.boolean().nullable().openapi({ description: "An entry of this path was there before" }),
    refusal: z
      .object({ code: z.string(), detail: z.string(), data: z.record(z.string(), z.unknown()) })
      .nullable()
      .openapi({ description: "Why the file could not enter its package" }),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().openapi({ description: "Without a request until then it ends; each moves it" }),
  })
  .openapi("Upload");

export const UploadParam = z.object({
  id: z.string().openapi({ description: "Id of an upload", example: EXAMPLE_ID }),
});

export const UploadTarget = z.strictObject({
  package_id: z.string().openapi({ description: "An open package", example: EXAMPLE_ID }),
  path: z.string().openapi({ description: "Path of the file in it", example: "results/junit.xml" }),
  media_type: z.string().optional().openapi({ description: "Kept with the file", example: "application/xml" }),
  executable: flag("The file may be executed"),
  replace: flag("A file of this path is replaced; otherwise it is refused with 409"),
  sha512: flag("A SHA-512 digest of the file is kept as well"),
});

/** A whole number in a header (RFC 9651, section 3.3.1). */
const count = (description: string, example: string) =>
  z
    .string()
    .regex(/^[0-9]{1,15}$/, "A whole number of bytes")
    .transform(Number)
    .openapi({ type: "integer", description, example: Number(example) } as never);

const digest = (description: string) =>
  z.string().optional().openapi({
    description,
    example: "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
  });

const sent = {
  "upload-complete": z.enum(["?0", "?1"], "?0 (more will follow) or ?1 (these are the last bytes)").openapi({
    description: "`?1`: the last byte of this request is the last of the upload. `?0`: more will follow",
    example: "?0",
  }),
  "upload-length": count("Bytes of the whole, if known", "5368709120").optional(),
  "content-digest": digest("RFC 9530; of the bytes of this request, at most 256 MiB. None is kept unless it matches"),
  "repr-digest": digest("RFC 9530; of the whole. The upload is refused in the end unless it matches"),
};

export const CreateUploadHeaders = z.object(sent);

export const AppendUploadHeaders = z.object({
  ...sent,
  "upload-offset": count("Where the bytes belong: just where the upload is", "1048576"),
});

const described = (description: string, example: string | number, required = true) => ({
  description,
  required,
  schema: { type: typeof example === "number" ? ("integer" as const) : ("string" as const), example },
});

/** Of answers about an upload that exists. */
export const UPLOAD_HEADERS = {
  "Upload-Offset": described("Bytes that are durable: go on here", 1048576),
  "Upload-Complete": described("`?1`: this is the final answer", "?0"),
  "Upload-Length": described("Bytes of the whole, once they are known", 5368709120, false),
  "Upload-Limit": described("`max-size` in bytes, `max-age` in seconds", "max-size=1099511627776, max-age=86400"),
  "X-Request-Id": HEADERS["X-Request-Id"],
};

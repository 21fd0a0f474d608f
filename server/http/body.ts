/** Request bodies: counted in our own stream, and cut ones told from complete ones. */
import type { MiddlewareHandler } from "hono";
import { type ChunkPool, collect, isRegistryError, messageOf, RegistryError, toIterable } from "../../core/mod.ts";
import type { AppEnv } from "../env.ts";
import { HttpError } from "./error.ts";

const MAX_JSON_DEPTH = 64;

/** The bytes of a request. A connection that breaks is an error, never an end. */
export function bodyOf(request: Request): AsyncIterable<Uint8Array> {
  refuseCoding(request.headers);
  return encodedBodyOf(request);
}

/**
 * As {@link bodyOf}, for who looks at no chunk any more that is two behind the one it asks for: `IngestFileInput.source`.
 * `chunks` is the transport's, and gets them back.
 */
export function passingBodyOf(request: Request, chunks: ChunkPool | undefined): AsyncIterable<Uint8Array> {
  const body = bodyOf(request);
  if (chunks === undefined) return body;
  return {
    [Symbol.asyncIterator]() {
      const bytes = body[Symbol.asyncIterator]();
      const held: Uint8Array[] = [];
      return {
        async next() {
          if (held.length === 2) chunks.giveBack(held.shift() as Uint8Array);
          const step = await bytes.next();
          if (!step.done) held.push(step.value);
          return step;
        },
        return: async () => (await bytes.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

/** As {@link bodyOf}, whatever its Content-Encoding: the caller looks after that. */
export function encodedBodyOf(request: Request): AsyncIterable<Uint8Array> {
  const { body } = request;
  return {
    [Symbol.asyncIterator]() {
      const bytes = toIterable(body ?? new ReadableStream({ start: (controller) => controller.close() }))[
        Symbol.asyncIterator
      ]();
      return {
        async next() {
          try {
            return await bytes.next();
          } catch (error) {
            if (isRegistryError(error)) throw error;
            throw new RegistryError(
              "size_mismatch",
              `The body of the request ended early: ${messageOf(error)}; send it again`,
              {},
              error,
            );
          }
        },
        return: async () => (await bytes.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

/** Bytes that the client says it will send; `undefined` where it does not say. */
export function contentLength(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A whole small body. @throws {RegistryError} `limit_exceeded` before more than `limit` bytes are kept */
export async function smallBody(request: Request, limit: number): Promise<Uint8Array> {
  const length = contentLength(request.headers) ?? 0;
  if (length > limit) {
    throw new RegistryError("limit_exceeded", `This body may have ${limit} bytes, not ${length}`, {
      limit,
      bytes: length,
    });
  }
  return await collect(bodyOf(request), limit);
}

/** @throws {RegistryError} `invalid_argument` */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new RegistryError("invalid_argument", "The body is not UTF-8");
  }
}

/** Goes before the validator of a JSON body: nothing but small, shallow JSON, said to be JSON, gets to it. */
export const jsonBody: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { raw } = c.req;
  const [type = "", ...params] = (raw.headers.get("content-type") ?? "").split(";").map((s) => s.trim().toLowerCase());
  if (type !== "application/json" || params.some((p) => p.startsWith("charset=") && !/^charset="?utf-8"?$/.test(p))) {
    throw new HttpError("unsupported_media_type", "Send JSON in UTF-8, and say so: Content-Type: application/json");
  }
  const text = decodeUtf8(await smallBody(raw, c.env.maxJsonBytes));
  if (depthOf(text) > MAX_JSON_DEPTH) {
    throw new RegistryError("invalid_argument", `The JSON is nested deeper than ${MAX_JSON_DEPTH} levels`);
  }
  try {
    JSON.parse(text);
  } catch (error) {
    throw new RegistryError("invalid_argument", `The body is not JSON: ${messageOf(error).slice(0, 200)}`);
  }
  // Where Hono keeps a body that it has read, for its own json(); the types hide that these are promises.
  c.req.bodyCache.text = Promise.resolve(text) as unknown as string;
  await next();
};

/** How deep brackets nest, before a parser that recurses sees them. */
function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"?|[[\]{}]/gs)) {
    if (token === "[" || token === "{") deepest = Math.max(deepest, ++depth);
    else if (token === "]" || token === "}") depth--;
  }
  return deepest;
}

/** RFC 9110, section 8.4: a coding that is not understood must not be kept as if it were the content. */
function refuseCoding(headers: Headers): void {
  const coding = headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (coding !== "identity" && coding !== "") {
    throw new HttpError("unsupported_media_type", "Send the content without a Content-Encoding", {
      "accept-encoding": "identity",
    });
  }
}

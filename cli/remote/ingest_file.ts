/** A file into a package behind a server, in one request. */
import {
  type Caller,
  type FileEntry,
  type IngestFileInput,
  type IngestFileResult,
  RegistryError,
  toHex,
  toIterable,
} from "../../core/mod.ts";
import { streaming, toStream } from "../../sdk/typescript/upload.ts";
import type { Asked, Server } from "./server.ts";

/**
 * The bytes are hashed as they leave, and the entry must be theirs: what lies between is not trusted.
 * @throws {RegistryError} what the source threw is thrown as it is
 */
export async function ingestFile(server: Server, caller: Caller, input: IngestFileInput): Promise<IngestFileResult> {
  const { packageId, path, executable = false, mediaType, algorithms = [] } = input;
  const blake3 = server.hasher.create("blake3");
  let failure: { readonly error: unknown } | undefined;
  async function* leaving(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of toIterable(input.source)) {
        // The source may use its memory again, and the network may still have the chunk by then.
        const own = chunk.slice();
        blake3.update(own);
        yield own;
      }
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  const call = (asked: Asked) =>
    server.api.putFile({
      ...asked,
      path: { id: packageId, path },
      query: { executable, sha512: algorithms.includes("sha512") },
      // Without a type the file has none; the generated client would name one.
      headers: { "Content-Type": mediaType ?? null },
      ...streaming(toStream(leaving())),
    });
  try {
    const { data, response } = await server.ask(caller, call, { again: false });
    const entry = data as FileEntry;
    const sent = `blake3:${toHex(blake3.digest())}`;
    if (entry.content_address !== sent) {
      throw new RegistryError(
        "digest_mismatch",
        `${JSON.stringify(path)} arrived as ${entry.content_address} and was sent as ${sent}: something between changed it`,
        { path, sent, arrived: entry.content_address },
      );
    }
    return { entry, deduplicated: response.headers.get("content-deduplicated") === "?1", replaced: false };
  } catch (error) {
    throw failure?.error ?? error;
  }
}

/** The bytes of a file behind a server, checked here: what lies between is not trusted. */
import { type Algorithm, type Caller, type FileContent, type FileEntry, RegistryError, toHex } from "../../core/mod.ts";
import { downloadResumable } from "../../sdk/typescript/mod.ts";
import { toRegistryError } from "./errors.ts";
import type { Server } from "./server.ts";

/** Over as many connections as it takes. @throws {RegistryError} while it is read: `object_corrupt`, `object_missing`, ... */
export function openFile(server: Server, caller: Caller, entry: FileEntry): FileContent {
  return { entry, length: entry.size, body: verified(server, caller, entry) };
}

async function* verified(
  { api, hasher, url }: Server,
  { signal }: Caller,
  entry: FileEntry,
): AsyncGenerator<Uint8Array> {
  const [, blake3 = ""] = entry.content_address.split(":");
  const recorded = Object.entries({ ...entry.digests, blake3 }) as [Algorithm, string][];
  const hashes = recorded.map(([algorithm, wanted]) => ({ algorithm, wanted, hash: hasher.create(algorithm) }));
  let size = 0;
  try {
    const wanted = { contentAddress: entry.content_address, ...(signal && { signal }) };
    for await (const chunk of downloadResumable(api, wanted)) {
      size += chunk.length;
      // Not a byte more than there may be reaches the disk.
      if (size > entry.size) throw wrong(entry, `more than ${entry.size} bytes`);
      for (const { hash } of hashes) hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw toRegistryError(error, url);
  }
  if (size !== entry.size) throw wrong(entry, `${size} bytes instead of ${entry.size}`);
  for (const { algorithm, wanted, hash } of hashes) {
    const found = toHex(hash.digest());
    if (found !== wanted) throw wrong(entry, `bytes of the ${algorithm} digest ${found} instead of ${wanted}`);
  }
}

const wrong = ({ path, content_address }: FileEntry, what: string) =>
  new RegistryError(
    "object_corrupt",
    `${JSON.stringify(path)} came as ${what}: the server, or something on the way to it, changed it`,
    { path, content_address },
  );

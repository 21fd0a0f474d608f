/** `Content-Digest` and `Repr-Digest` (RFC 9530). Without a content coding they say the same. */
import { type Algorithm, createDigest, type Digest, type FileEntry, RegistryError } from "../../core/mod.ts";

/** `blake3` is not registered; clients that do not know it pass over it, as the RFC wants. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = { "sha-256": "sha256", "sha-512": "sha512", blake3: "blake3" };
const FIELDS = ["content-digest", "repr-digest"] as const;
const MEMBER = /^([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):(?:;[^,]*)?$/;

/** Digests that the content must have. Unknown algorithms are passed over. @throws {RegistryError} `invalid_digest` */
export function expectedDigests(headers: Headers): Digest[] {
  const found: Digest[] = [];
  for (const field of FIELDS) {
    const value = headers.get(field);
    if (value === null) continue;
    for (const member of value.split(",")) {
      const [, name = "", base64 = ""] = MEMBER.exec(member.trim()) ?? malformed(field);
      const algorithm = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
      if (algorithm !== undefined) found.push(createDigest(algorithm, fromBase64(base64, field)));
    }
  }
  return found;
}

function fromBase64(text: string, field: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return malformed(field);
  }
}

function malformed(field: string): never {
  throw new RegistryError("invalid_digest", `${field} reads sha-256=:<base64>: (RFC 9530); several go with commas`);
}

/** Every digest that is known of a file, for a response. */
export function reprDigest({ digests, content_address }: FileEntry): string {
  const [, blake3 = ""] = content_address.split(":");
  const member = (name: string, hex: string) => `${name}=:${hexToBase64(hex)}:`;
  const sha512 = digests.sha512 === undefined ? "" : `${member("sha-512", digests.sha512)}, `;
  return `${member("sha-256", digests.sha256)}, ${sha512}${member("blake3", blake3)}`;
}

export function hexToBase64(hex: string): string {
  let bytes = "";
  for (let at = 0; at < hex.length; at += 2) bytes += String.fromCharCode(Number.parseInt(hex.slice(at, at + 2), 16));
  return btoa(bytes);
}

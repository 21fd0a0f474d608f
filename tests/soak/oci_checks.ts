/** What every answer must be, whatever else goes on. All throw `Wrong`. */
import { digestOf } from "../support/oci_images.ts";
import type { Content, Manifest } from "./oci_content.ts";
import { type Answer, Wrong } from "./oci_door.ts";
import type { Observer } from "./oci_register.ts";

export function checkPushed({ headers, told }: Answer, repository: string, digest: string): void {
  const [said, location] = [headers.get("docker-content-digest"), headers.get("location")];
  if (said !== digest || !location?.endsWith(`/v2/${repository}/blobs/${digest}`)) {
    throw new Wrong(`${told}: ${said} at ${location} was answered for ${digest}`);
  }
}

export function checkManifest({ headers, bytes, told }: Answer, digest: string, manifest: Manifest | undefined): void {
  if (manifest === undefined) throw new Wrong(`${told}: nobody ever pushed ${digest}`);
  const algorithm = digest.startsWith("sha512") ? "sha512" : "sha256";
  const [type, read] = [headers.get("content-type"), digestOf(bytes, algorithm)];
  if (read !== digest) throw new Wrong(`${told}: ${digest} was told, the bytes have ${read}`);
  if (type !== manifest.mediaType) throw new Wrong(`${told}: pushed as ${manifest.mediaType}, pulled as ${type}`);
}

export function checkBlob(answer: Answer, content: Content, digest: string, method: string, from: number): void {
  const { headers, bytes, told } = answer;
  const [length, said] = [headers.get("content-length"), headers.get("docker-content-digest")];
  if (length !== String(content.size - from) || said !== digest) throw new Wrong(`${told}: ${length} bytes of ${said}`);
  if (method === "HEAD") return;
  const wanted = from === 0 ? digest : digestOf(content.bytes().subarray(from), "sha256");
  const read = digestOf(bytes, wanted.startsWith("sha512") ? "sha512" : "sha256");
  if (read !== wanted) throw new Wrong(`${told}: the bytes have ${read}, not ${wanted}`);
}

const SAME = ["content-type", "content-length", "docker-content-digest", "etag"];

export function checkSame(head: Answer, get: Answer): void {
  for (const name of SAME) {
    const [one, other] = [head.headers.get(name), get.headers.get(name)];
    if (one !== other) throw new Wrong(`${head.told}: ${name} is ${one}, and ${other} for GET`);
  }
}

export function checkListed(
  { told }: Answer,
  listed: ReadonlySet<string>,
  observed: readonly (readonly [name: string, Observer])[],
): void {
  for (const [name, seen] of observed) {
    const values = [...seen.end()];
    if (listed.has(name) && values.every((value) => value === null)) throw new Wrong(`${told}: ${name} is not there`);
    if (!listed.has(name) && !values.includes(null)) throw new Wrong(`${told}: ${name} is missing`);
  }
}

/** What clients ask without changing anything, and what the model allows for an answer. All throw `Wrong`. */
import { checkBlob, checkListed, checkManifest, checkSame } from "./oci_checks.ts";
import type { Content, Manifest } from "./oci_content.ts";
import { type Answer, type Door, expect, Wrong } from "./oci_door.ts";
import type { Observer, Value } from "./oci_register.ts";
import type { Scene } from "./oci_scene.ts";
import type { Random } from "./rig.ts";

export interface Reader {
  readonly scene: Scene;
  readonly door: Door;
  readonly random: Random;
}

/** HEAD and GET. `undefined`: not there, which the model allows. */
export async function readManifest(
  { scene, door }: Reader,
  repository: string,
  reference: string,
): Promise<Manifest | undefined> {
  const { model, known } = scene;
  const byDigest = reference.includes(":");
  const register = byDigest ? model.in(repository).manifest(reference) : model.in(repository).tag(reference);
  const path = `/v2/${repository}/manifests/${reference}`;
  const seen = register.observe();
  const head = await door.ask("HEAD", path);
  const get = await door.ask("GET", path);
  const values = seen.end();
  for (const answer of [head, get]) {
    const digest = answer.status === 404 ? null : expect(answer, 200).headers.get("docker-content-digest");
    const value = byDigest && digest !== null ? "here" : digest;
    if (!values.has(value) || (byDigest && digest !== null && digest !== reference)) {
      throw new Wrong(`${answer.told}: ${digest} came, and it may be ${[...values].join(" or ")}`);
    }
  }
  if (get.status === 404) return undefined;
  const digest = get.headers.get("docker-content-digest") ?? "";
  const manifest = known.get(digest);
  checkManifest(get, digest, manifest);
  if (head.status === 200 && head.headers.get("docker-content-digest") === digest) checkSame(head, get);
  return manifest;
}

export async function readBlob(
  { scene, door, random }: Reader,
  repository: string,
  content: Content,
  digest: string,
  method: "HEAD" | "GET",
): Promise<Answer> {
  const path = `/v2/${repository}/blobs/${digest}`;
  const { size } = content;
  const part = method === "GET" && size > 2 && random.chance(0.1) ? random.int(size) : undefined;
  const seen: Observer = scene.model.in(repository).blob(digest).observe();
  const range = part === undefined ? {} : { headers: { range: `bytes=${part}-` } };
  const answer = expect(await door.ask(method, path, range), part === undefined ? 200 : 206, 404);
  const values = seen.end();
  const value: Value = answer.status === 404 ? null : "here";
  if (!values.has(value)) throw new Wrong(`${answer.told}: and it is ${[...values].join(" or ")}`);
  if (answer.status !== 404) checkBlob(answer, content, digest, method, part ?? 0);
  return answer;
}

export async function readLists({ scene, door }: Reader, repository: string, subject: string): Promise<void> {
  const { model, known } = scene;
  const tags = [...model.in(repository).tags].map(([tag, register]) => [tag, register.observe()] as const);
  const answer = expect(await door.ask("GET", `/v2/${repository}/tags/list`), 200, 404);
  const listed = answer.status === 404 ? [] : (JSON.parse(new TextDecoder().decode(answer.bytes)).tags as string[]);
  checkListed(answer, new Set(listed), tags);
  const referrers = [...model.referrers(repository, subject, known)].map(
    ([digest, register]) => [digest, register.observe()] as const,
  );
  const path = `/v2/${repository}/referrers/${subject}`;
  const found = expect(await door.ask("GET", path), 200);
  const { manifests } = JSON.parse(new TextDecoder().decode(found.bytes)) as { manifests: { digest: string }[] };
  const digests = new Set(manifests.map(({ digest }) => digest));
  checkListed(found, digests, referrers);
  const now = model.referrers(repository, subject, known);
  for (const digest of digests) if (!now.has(digest)) throw new Wrong(`${found.told}: nobody pushed ${digest} there`);
}

/** Nobody is under way: everything that can be asked is what the model says, and the log says the same. */
import { checkBlob, checkManifest, checkSame } from "./oci_checks.ts";
import type { Manifest } from "./oci_content.ts";
import { type Door, expect, goOn, type Upload, Wrong, where } from "./oci_door.ts";
import type { Log } from "./oci_log.ts";
import type { RepositoryModel } from "./oci_model.ts";
import type { Register, Value } from "./oci_register.ts";
import type { Scene } from "./oci_scene.ts";
import type { Random } from "./rig.ts";

/** Blobs of a repository that are asked for, though nobody changed them. */
const SAMPLE = 40;

/** `all`: also what nobody changed since the last time. */
export async function compare(scene: Scene, door: Door, log: Log, random: Random, all: boolean): Promise<void> {
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      scene.complain(error instanceof Wrong ? error.message : `a look failed: ${String(error)}`);
    }
  };
  await Promise.all([...scene.left].map((upload) => attempt(() => endUpload(scene, door, upload, random))));
  const { repositories } = scene.model;
  const listed = await door.pages<string>("/v2/_catalog?n=2", (page) => page.repositories);
  // Packages are images there, too, and nobody here pushed those.
  const catalog = new Set(listed.filter((name) => !name.startsWith("packages/")));
  await Promise.all(
    [...repositories].map(([name, repository]) =>
      attempt(async () => {
        const settled = settle(repository.begun, catalog.has(name) ? "here" : null);
        if (settled !== undefined) throw new Wrong(`_catalog, ${name}: ${settled}`);
        if (catalog.delete(name)) await compareRepository(scene, door, name, repository, { random, all });
        else compareNothing(scene, name, repository);
      }),
    ),
  );
  if (catalog.size > 0) scene.complain(`_catalog: nobody ever pushed to ${[...catalog]}`);
  for (const problem of await log.read(door)) scene.complain(problem);
  compareLog(scene, log);
  forget(scene);
}

/** Taken up where it is, or cancelled. One that was ended says so again, if its digest is told again. */
async function endUpload(scene: Scene, door: Door, upload: Upload, random: Random): Promise<void> {
  const { counts, left, model } = scene;
  const { repository, content, digest, location } = upload;
  left.delete(upload);
  const offset = await where(door, upload);
  if (offset === undefined) {
    if (!upload.closing) throw new Wrong(`${location} is lost at ${upload.promised} of ${content.size} bytes`);
    if (!upload.complete) return;
    expect(await door.ask("PUT", `${location}?digest=${digest}`), 201);
    model.pushBlob(repository, content, digest).done();
    return;
  }
  if (random.chance(0.35)) {
    expect(await door.ask("DELETE", location), 204);
    return;
  }
  counts.resumed = (counts.resumed ?? 0) + 1;
  if (offset > 0 && offset < content.size) counts["resumed midway"] = (counts["resumed midway"] ?? 0) + 1;
  const act = model.pushBlob(repository, content, digest);
  expect(await goOn(door, upload, random), 201);
  act.done();
}

/** What is seen is what must be from now on. Answers what is wrong with it. */
function settle(register: Register, seen: Value): string | undefined {
  const { values } = register;
  register.settle(seen);
  return values.has(seen) ? undefined : `${seen} is there, and it should be ${[...values].join(" or ")}`;
}

/** It has not begun, so all that was to be in it came to nothing. */
function compareNothing(scene: Scene, name: string, { blobs, manifests, tags }: RepositoryModel): void {
  for (const registers of [blobs, manifests, tags]) {
    for (const [key, register] of registers) {
      const settled = settle(register, null);
      if (settled !== undefined) scene.complain(`${name}, ${key}: ${settled}`);
    }
  }
}

async function compareRepository(
  scene: Scene,
  door: Door,
  name: string,
  repository: RepositoryModel,
  { random, all }: { readonly random: Random; readonly all: boolean },
): Promise<void> {
  const wrong = (what: string) => scene.complain(`${name}: ${what}`);
  const listed = await door.pages<string>(`/v2/${name}/tags/list?n=3`, (page) => page.tags);
  if (listed.join() !== [...listed].sort().join()) wrong(`tags are not in order: ${listed}`);
  for (const [tag, register] of repository.tags) {
    const path = `/v2/${name}/manifests/${tag}`;
    const [head, get] = [await door.ask("HEAD", path), await door.ask("GET", path)];
    const seen = expect(get, 200, 404).status === 404 ? null : get.headers.get("docker-content-digest");
    if (head.status !== get.status) wrong(`${head.told}, and ${get.status} for GET`);
    if (get.status === 200) checkSame(head, get);
    if (listed.includes(tag) !== (seen !== null)) wrong(`${tag} is ${seen}, and the list says ${listed}`);
    const settled = settle(register, seen);
    if (settled !== undefined) wrong(`tag ${tag}: ${settled}`);
  }
  const strangers = listed.filter((tag) => !repository.tags.has(tag));
  if (strangers.length > 0) wrong(`nobody ever pushed the tags ${strangers}`);
  for (const [digest, register] of repository.manifests) {
    const path = `/v2/${name}/manifests/${digest}`;
    const [head, get] = [await door.ask("HEAD", path), await door.ask("GET", path)];
    if (head.status !== get.status) wrong(`${head.told}, and ${get.status} for GET`);
    if (expect(get, 200, 404).status === 200) {
      checkManifest(get, digest, scene.known.get(digest));
      checkSame(head, get);
    }
    const settled = settle(register, get.status === 200 ? "here" : null);
    if (settled !== undefined) wrong(`manifest ${digest}: ${settled}`);
  }
  await compareBlobs(scene, door, name, repository, { random, all });
  await compareReferrers(scene, door, name, repository);
}

async function compareBlobs(
  scene: Scene,
  door: Door,
  name: string,
  { blobs }: RepositoryModel,
  { random, all }: { readonly random: Random; readonly all: boolean },
): Promise<void> {
  const share = SAMPLE / Math.max(1, blobs.size);
  for (const [digest, register] of blobs) {
    if (!all && !register.changed && !random.chance(share)) continue;
    const content = scene.model.contents.get(digest);
    // Asked for, and never pushed.
    if (content === undefined) continue;
    const path = `/v2/${name}/blobs/${digest}`;
    const head = expect(await door.ask("HEAD", path), 200, 404);
    const settled = settle(register, head.status === 200 ? "here" : null);
    if (settled !== undefined) scene.complain(`${name}: blob ${digest}: ${settled}`);
    if (head.status === 404) continue;
    checkBlob(head, content, digest, "HEAD", 0);
    if (!all && random.chance(0.8)) continue;
    const get = expect(await door.ask("GET", path), 200);
    checkBlob(get, content, digest, "GET", 0);
    checkSame(head, get);
    scene.counts["read back"] = (scene.counts["read back"] ?? 0) + 1;
  }
}

/** By every subject that anything here names. */
async function compareReferrers(scene: Scene, door: Door, name: string, { manifests }: RepositoryModel): Promise<void> {
  const expected = new Map<string, { readonly type: string | undefined; readonly of: Map<string, Manifest> }>();
  for (const [digest, register] of manifests) {
    const manifest = scene.known.get(digest);
    if (manifest?.subject === undefined) continue;
    // Also if none is left: the last one that went must not be listed.
    const entry = expected.get(manifest.subject) ?? { type: manifest.artifactType, of: new Map<string, Manifest>() };
    expected.set(manifest.subject, entry);
    if (register.values.has("here")) entry.of.set(digest, manifest);
  }
  for (const [subject, { type, of }] of expected) {
    const path = `/v2/${name}/referrers/${subject}?n=2`;
    const sought = type === undefined ? [] : [`&artifactType=${encodeURIComponent(type)}`];
    for (const filter of ["", ...sought]) {
      const found = await door.pages<Descriptor>(`${path}${filter}`, (page) => page.manifests);
      const wanted = [...of].filter(([, manifest]) => filter === "" || manifest.artifactType === type);
      const seen = found.map(({ digest, size, artifactType }) => `${digest} ${size} ${artifactType}`).join();
      const meant = wanted
        .map(([digest, { bytes, artifactType }]) => `${digest} ${bytes.length} ${artifactType}`)
        .sort()
        .join();
      if (seen !== meant) scene.complain(`${path}${filter}: ${seen} came, ${meant} was meant`);
    }
  }
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
}

/** Whatever the model knows for certain, which is everything by now. */
function compareLog(scene: Scene, log: Log): void {
  for (const [name, repository] of scene.model.repositories) {
    const logged = log.repositories.get(name);
    const kinds = [
      ["blob", repository.blobs, (key: string) => (logged?.blobs.has(key) ? "here" : null), logged?.blobs],
      [
        "manifest",
        repository.manifests,
        (key: string) => (logged?.manifests.has(key) ? "here" : null),
        logged?.manifests,
      ],
      ["tag", repository.tags, (key: string) => logged?.tags.get(key) ?? null, logged?.tags],
    ] as const;
    for (const [kind, registers, pointed, said] of kinds) {
      for (const [key, { values }] of registers) {
        if (values.size !== 1 || !values.has(pointed(key))) {
          scene.complain(
            `${name}: the log says of ${kind} ${key}: ${pointed(key)}, the model: ${[...values].join(" or ")}`,
          );
        }
      }
      for (const key of said?.keys() ?? [])
        if (!registers.has(key)) scene.complain(`${name}: only the log has ${kind} ${key}`);
    }
  }
  for (const push of scene.tagged)
    if (!log.moves.has(push)) scene.complain(`the history of tags lacks the push ${push}`);
  scene.tagged.clear();
}

/** What is nowhere any more, so that long runs do not grow. */
function forget({ model, known, hot }: Scene): void {
  const kept = new Set(hot.flatMap(({ sha256, sha512 }) => [sha256, sha512]));
  const linked = new Set<string>();
  for (const { blobs, manifests } of model.repositories.values()) {
    for (const registers of [blobs, manifests]) {
      for (const [key, register] of registers) if (!register.values.has("here")) registers.delete(key);
    }
    for (const key of manifests.keys()) kept.add(key);
    for (const key of blobs.keys()) linked.add(key);
  }
  for (const key of known.keys()) if (!kept.has(key)) known.delete(key);
  for (const key of model.contents.keys()) if (!linked.has(key)) model.contents.delete(key);
}

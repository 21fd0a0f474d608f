/** A client that does at random what clients do, tells the model before and after, and holds every answer against it. */

import { digestOf } from "../support/oci_images.ts";
import { checkPushed } from "./oci_checks.ts";
import { type Content, image, index, type Manifest } from "./oci_content.ts";
import {
  type Answer,
  beginUpload,
  type Door,
  expect,
  goOn,
  patch,
  type Upload,
  uploadOf,
  Wrong,
  where,
} from "./oci_door.ts";
import { type Reader, readBlob, readLists, readManifest } from "./oci_reads.ts";
import type { Act, Observer } from "./oci_register.ts";
import { REPOSITORIES, type Scene, TAGS } from "./oci_scene.ts";
import type { Random } from "./rig.ts";

const ARTIFACT_TYPES = ["application/vnd.example.sbom", "application/vnd.example.signature"] as const;

export async function work(scene: Scene, door: Door, random: Random, over: () => boolean): Promise<void> {
  const client = new Client(scene, door, random);
  while (!over()) {
    try {
      await client.something();
    } catch (error) {
      if (error instanceof Wrong) scene.complain(error.message);
      else if (door.dying) return;
      else scene.complain(`a request failed: ${String(error)}`);
    }
  }
}

class Client {
  readonly #scene: Scene;
  readonly #door: Door;
  readonly #random: Random;
  readonly #reader: Reader;

  constructor(scene: Scene, door: Door, random: Random) {
    this.#scene = scene;
    this.#door = door;
    this.#random = random;
    this.#reader = { scene, door, random };
  }

  async something(): Promise<void> {
    const choices: readonly (readonly [number, string, () => Promise<void>])[] = [
      [30, "image", () => this.#pushImage()],
      [20, "pull", () => this.#pull(this.#random.pick(TAGS))],
      [8, "pull by digest", () => this.#pullKnown()],
      [9, "retag", () => this.#retag()],
      [8, "copy", () => this.#copy()],
      [5, "referrer", () => this.#pushReferrer()],
      [4, "index", () => this.#pushIndex()],
      [5, "delete tag", () => this.#deleteTag()],
      [6, "delete manifest", () => this.#deleteManifest()],
      [4, "delete blob", () => this.#deleteBlob()],
      [5, "list", () => this.#list()],
      [6, "odd upload", () => this.#oddUpload()],
    ];
    const all = choices.flatMap((choice) => Array.from({ length: choice[0] }, () => choice));
    const [, name, work] = this.#random.pick(all);
    this.#scene.counts[name] = (this.#scene.counts[name] ?? 0) + 1;
    await work();
  }

  #repository(): string {
    return this.#random.pick(REPOSITORIES);
  }

  /** One of those that may be in a repository, or any. */
  #manifest(repository: string): Manifest {
    const { known, model, hot } = this.#scene;
    const there = [...model.in(repository).manifests.keys()];
    const some = there.length > 0 && this.#random.chance(0.7) ? known.get(this.#random.pick(there)) : undefined;
    return some ?? this.#random.pick(hot);
  }

  /** A change: known to the model from before it is sent until it is answered, or the server is dead. */
  async #change(act: Act, send: () => Promise<Answer>): Promise<Answer> {
    try {
      const answer = await send();
      if (answer.status < 300) act.done();
      else act.refused();
      return answer;
    } catch (error) {
      act.unknown();
      throw error;
    }
  }

  #blobDigest({ sha256, sha512 }: Content): string {
    return this.#random.chance(0.1) ? sha512 : sha256;
  }

  async #pushImage(): Promise<void> {
    const random = this.#random;
    const { hot, contents } = this.#scene;
    const fresh = () => {
      const layers = Array.from({ length: 1 + random.int(4) }, () => contents.pick(random));
      return image(layers, random.chance(0.5) ? `${random.int(2 ** 31)}` : "");
    };
    await this.#push(this.#repository(), random.chance(0.5) ? random.pick(hot) : fresh());
  }

  /** Its blobs, then itself, as clients do. */
  async #push(repository: string, manifest: Manifest, from?: string): Promise<void> {
    for (const content of manifest.blobs) {
      if (from !== undefined && (await this.#mount(repository, content, from))) continue;
      if (this.#random.chance(0.5)) {
        const { status } = await readBlob(this.#reader, repository, content, this.#blobDigest(content), "HEAD");
        if (status === 200) continue;
      }
      await this.#pushBlob(repository, content);
    }
    await this.#putManifest(repository, manifest);
  }

  async #pushBlob(repository: string, content: Content): Promise<void> {
    const [random, door] = [this.#random, this.#door];
    const digest = this.#blobDigest(content);
    const act = () => this.#scene.model.pushBlob(repository, content, digest);
    if (random.chance(0.35)) {
      const headers = { "content-type": "application/octet-stream" };
      const path = `/v2/${repository}/blobs/uploads/?digest=${digest}`;
      const answer = await this.#change(act(), () => door.ask("POST", path, { headers, body: content.bytes() }));
      checkPushed(expect(answer, 201), repository, digest);
      return;
    }
    await this.#finish(await beginUpload(door, repository, content, digest));
  }

  /** Goes on to the end. What is cut with the server stays in the list of those that are open. */
  async #finish(upload: Upload): Promise<void> {
    const { left, model } = this.#scene;
    const { repository, content, digest } = upload;
    left.add(upload);
    const act = model.pushBlob(repository, content, digest);
    const answer = await this.#change(act, () => goOn(this.#door, upload, this.#random));
    left.delete(upload);
    checkPushed(expect(answer, 201), repository, digest);
  }

  async #mount(repository: string, content: Content, from: string): Promise<boolean> {
    const { model, left } = this.#scene;
    const random = this.#random;
    const digest = this.#blobDigest(content);
    const named = random.chance(0.7);
    const seen = (named ? [from] : REPOSITORIES).map((name) => model.in(name).blob(digest).observe());
    const query = `mount=${digest}${named ? `&from=${encodeURIComponent(from)}` : ""}`;
    const act = model.mountBlob(repository, content, digest);
    let answer: Answer;
    try {
      answer = await this.#door.ask("POST", `/v2/${repository}/blobs/uploads/?${query}`);
    } catch (error) {
      act.unknown();
      throw error;
    }
    const had = seen.map((observer) => observer.end());
    if (expect(answer, 201, 202).status === 201) {
      act.done();
      checkPushed(answer, repository, digest);
      if (!had.some((values) => values.has("here"))) throw new Wrong(`${answer.told}: mounted from nowhere`);
      return true;
    }
    act.refused();
    if (had.some((values) => !values.has(null))) throw new Wrong(`${answer.told}: not mounted, and it was there`);
    const upload = uploadOf(answer, repository, content, digest);
    // Some clients give it up, and push in their own way.
    if (random.chance(0.15)) left.add(upload);
    else await this.#finish(upload);
    return !left.has(upload);
  }

  async #putManifest(repository: string, manifest: Manifest, tag = this.#random.pick(TAGS) as string): Promise<void> {
    const { model, known, tagged } = this.#scene;
    const random = this.#random;
    for (const digest of [manifest.sha256, manifest.sha512]) known.set(digest, manifest);
    const how = random.next();
    const digest = how < 0.1 ? manifest.sha512 : manifest.sha256;
    const reference = how < 0.7 && how >= 0.1 ? tag : digest;
    const more = reference === digest ? TAGS.filter(() => random.chance(0.15)) : [];
    const tags = reference === digest ? more : [tag];
    const needs = manifest.blobs.map(({ sha256 }) => model.in(repository).blob(sha256).observe());
    const query = more.length === 0 ? "" : `?${more.map((name) => `tag=${name}`).join("&")}`;
    const act = model.pushManifest(repository, digest, tags);
    const answer = await this.#change(act, () =>
      this.#door.ask("PUT", `/v2/${repository}/manifests/${reference}${query}`, {
        headers: { "content-type": manifest.mediaType },
        body: manifest.bytes,
      }),
    );
    const had = needs.map((observer) => observer.end());
    if (expect(answer, 201, 400).status === 400) {
      const says = answer.told.includes("MANIFEST_BLOB_UNKNOWN");
      if (!says || had.every((values) => !values.has(null))) throw new Wrong(`${answer.told}: nobody deleted a blob`);
      return;
    }
    if (had.some((values) => !values.has("here"))) throw new Wrong(`${answer.told}: and a blob was not there`);
    const said = answer.headers.get("docker-content-digest");
    if (said !== digest) throw new Wrong(`${answer.told}: the digest is ${said}, not ${digest}`);
    for (const name of tags) tagged.add(`${repository} ${name} ${digest}`);
  }

  async #retag(): Promise<void> {
    const repository = this.#repository();
    const manifest = await readManifest(this.#reader, repository, this.#random.pick(TAGS));
    if (manifest !== undefined) await this.#putManifest(repository, manifest);
  }

  /** From one repository to another, by mounts. */
  async #copy(): Promise<void> {
    const from = this.#repository();
    const manifest = await readManifest(this.#reader, from, this.#random.pick(TAGS));
    if (manifest !== undefined) await this.#push(this.#repository(), manifest, from);
  }

  async #pushReferrer(): Promise<void> {
    const random = this.#random;
    const repository = this.#repository();
    const type = random.chance(0.9) ? random.pick(ARTIFACT_TYPES) : undefined;
    const layers = [this.#scene.contents.small(random)];
    await this.#push(repository, image(layers, `${random.int(50)}`, this.#manifest(repository), type));
  }

  async #pushIndex(): Promise<void> {
    const random = this.#random;
    const repository = this.#repository();
    const children = Array.from({ length: 1 + random.int(3) }, () => this.#manifest(repository));
    await this.#putManifest(repository, index(children, random.chance(0.5) ? "" : `${random.int(1000)}`));
  }

  async #pullKnown(): Promise<void> {
    const repository = this.#repository();
    const manifest = this.#manifest(repository);
    await this.#pull(this.#random.chance(0.8) ? manifest.sha256 : manifest.sha512, repository);
  }

  async #pull(reference: string, repository = this.#repository()): Promise<void> {
    const manifest = await readManifest(this.#reader, repository, reference);
    for (const content of manifest?.blobs ?? []) {
      // A large one at times only.
      if (content.size > 1024 * 1024 && this.#random.chance(0.7)) continue;
      await readBlob(this.#reader, repository, content, this.#blobDigest(content), "GET");
    }
  }

  async #deleteTag(): Promise<void> {
    const repository = this.#repository();
    const tag = this.#random.pick(TAGS);
    const seen = this.#scene.model.in(repository).tag(tag).observe();
    const act = this.#scene.model.deleteTag(repository, tag);
    const path = `/v2/${repository}/manifests/${tag}`;
    await this.#delete(path, act, seen);
  }

  async #deleteManifest(): Promise<void> {
    const repository = this.#repository();
    const manifest = this.#manifest(repository);
    const digest = this.#random.chance(0.85) ? manifest.sha256 : manifest.sha512;
    const seen = this.#scene.model.in(repository).manifest(digest).observe();
    const act = this.#scene.model.deleteManifest(repository, digest);
    await this.#delete(`/v2/${repository}/manifests/${digest}`, act, seen);
  }

  async #deleteBlob(): Promise<void> {
    const repository = this.#repository();
    const content =
      this.#random.pick(this.#manifest(repository).blobs.slice(1)) ?? this.#scene.contents.small(this.#random);
    const digest = this.#blobDigest(content);
    const seen = this.#scene.model.in(repository).blob(digest).observe();
    const act = this.#scene.model.deleteBlob(repository, content);
    await this.#delete(`/v2/${repository}/blobs/${digest}`, act, seen);
  }

  async #delete(path: string, act: Act, seen: Observer): Promise<void> {
    const answer = expect(await this.#change(act, () => this.#door.ask("DELETE", path)), 202, 404);
    const values = seen.end();
    // One of those since is its own.
    const others = seen.before.has(null) || seen.since.filter((value) => value === null).length > 1;
    if (answer.status === 404 && !others) throw new Wrong(`${answer.told}: and nobody else deleted it`);
    if (answer.status === 202 && [...values].every((value) => value === null)) {
      throw new Wrong(`${answer.told}: and there was nothing`);
    }
  }

  async #list(): Promise<void> {
    const repository = this.#repository();
    await readLists(this.#reader, repository, this.#manifest(repository).sha256);
  }

  /** Uploads that end in other ways: cancelled, cut, sent to the wrong place, ended with a wrong digest, given up. */
  async #oddUpload(): Promise<void> {
    const [random, door] = [this.#random, this.#door];
    const { left, contents } = this.#scene;
    const content = contents.pick(random);
    const upload = await beginUpload(door, this.#repository(), content, this.#blobDigest(content));
    left.add(upload);
    if (content.size > 4) await patch(door, upload, 2 + random.int(content.size - 2), random.chance(0.5));
    const way = random.int(5);
    if (way === 0) {
      upload.closing = true;
      expect(await door.ask("DELETE", upload.location), 204);
      left.delete(upload);
      if ((await where(door, upload)) !== undefined) throw new Wrong(`${upload.location} goes on after its end`);
    } else if (way === 1) {
      const other = digestOf(new TextEncoder().encode("something else"), "sha256");
      upload.closing = true;
      expect(await door.ask("PUT", `${upload.location}?digest=${other}`), 400);
      left.delete(upload);
      if ((await where(door, upload)) !== undefined) throw new Wrong(`${upload.location} goes on after a wrong digest`);
    } else if (way === 2) {
      const range = { "content-range": `${upload.promised + 7}-${upload.promised + 8}` };
      expect(await door.ask("PATCH", upload.location, { headers: range, body: "xx" }), 416);
      await this.#finish(upload);
    } else if (way === 3 && content.size - upload.promised > 1) {
      await this.#cut(upload);
      if ((await where(door, upload)) === undefined) throw new Wrong(`${upload.location} is lost with a connection`);
      await this.#finish(upload);
    }
  }

  /** A request whose connection ends in the middle, or just before its answer. */
  async #cut(upload: Upload): Promise<void> {
    const cutter = new AbortController();
    upload.cut = true;
    const sending = patch(this.#door, upload, upload.content.size, true, cutter.signal);
    setTimeout(() => cutter.abort(), this.#random.int(12));
    await sending.catch((error) => {
      if (error instanceof Wrong || !cutter.signal.aborted) throw error;
    });
  }
}

/**
 * A client of the library that pushes images: its own repository, so that what must be there is known without asking;
 * layers that others push too; every way in which a blob can come. It also deletes some of what it pushed.
 */
import type { Caller, Registry } from "../../core/mod.ts";
import { digestOf, IMAGE, imageOf } from "../support/oci_images.ts";
import { pieces, recipeOf } from "./load.ts";
import type { Report } from "./oracle.ts";
import type { Random } from "./rig.ts";

export interface ImageClient {
  readonly registry: Registry;
  readonly caller: Caller;
  readonly name: string;
  readonly random: Random;
  readonly say: (report: Report) => void;
  /** True when it was acknowledged. */
  attempt(id: string, work: () => Promise<unknown>): Promise<boolean>;
  nextContent(): Uint8Array;
}

const TAGS = ["latest", "v1", "v2"] as const;
/** Others may mount these layers from there. */
const repositoryOf = (name: string) => `soak/${name}`;

let operations = 0;

/** An image, whole; at times a deletion after it. */
export async function pushImages(client: ImageClient): Promise<void> {
  const { random, registry, caller } = client;
  const repository = repositoryOf(client.name);
  const layers = Array.from({ length: 1 + random.int(3) }, () => client.nextContent());
  for (const content of [new TextEncoder().encode("{}"), ...layers]) {
    if (!(await pushBlob(client, repository, content))) return;
  }
  const bytes = imageOf(layers, { annotations: { made: `${random.int(2 ** 31)}` } });
  const digest = digestOf(bytes);
  const tags = TAGS.filter(() => random.chance(0.5));
  const facts = [
    [`manifest ${repository} ${digest}`, digest],
    ...tags.map((tag) => [`tag ${repository} ${tag}`, digest]),
  ];
  const pushed = await change(client, facts as [string, string][], () =>
    registry.oci.pushManifest(caller, { repository, reference: digest, tags, mediaType: IMAGE, bytes }),
  );
  if (!pushed) return;
  const what = random.next();
  if (what < 0.1) {
    const gone = [`manifest ${repository} ${digest}`, ...tags.map((tag) => `tag ${repository} ${tag}`)];
    await change(client, nothing(gone), () => registry.oci.deleteManifest(caller, { repository, digest }));
  } else if (what < 0.2 && tags[0] !== undefined) {
    const [tag] = tags;
    await change(client, nothing([`tag ${repository} ${tag}`]), () =>
      registry.oci.deleteTag(caller, { repository, tag }),
    );
  } else if (what < 0.3) {
    const blob = digestOf(random.pick(layers));
    await change(client, nothing([`blob ${repository} ${blob}`]), () =>
      registry.oci.deleteBlob(caller, { repository, digest: blob }),
    );
  }
}

const nothing = (facts: readonly string[]): [string, null][] => facts.map((fact) => [fact, null]);

async function change(
  { say, attempt, name }: ImageClient,
  facts: readonly (readonly [fact: string, value: string | null])[],
  work: () => Promise<unknown>,
): Promise<boolean> {
  const id = `${name} ${operations++}`;
  say({ t: "facts", id, facts });
  const done = await attempt(id, work);
  if (done) say({ t: "ack", id });
  return done;
}

async function pushBlob(client: ImageClient, repository: string, content: Uint8Array): Promise<boolean> {
  const { random, registry, caller, say, attempt } = client;
  const digest = digestOf(content);
  const facts: [string, string][] = [[`blob ${repository} ${digest}`, digest]];
  const way = random.next();
  const recipe = recipeOf(content);
  if (way < 0.4 || recipe === undefined) {
    return await change(client, facts, () =>
      registry.oci.pushBlob(caller, { repository, digest, source: pieces(content) }),
    );
  }
  if (way < 0.5) {
    const id = `${client.name} ${operations++}`;
    say({ t: "facts", id, facts });
    let mounted = false;
    const answered = await attempt(id, async () => {
      mounted = (await registry.oci.mountBlob(caller, { repository, digest })) !== undefined;
    });
    if (answered && mounted) say({ t: "ack", id });
    if (!answered || mounted) return answered;
  }
  return await upload(client, repository, digest, content, recipe);
}

async function upload(
  client: ImageClient,
  repository: string,
  digest: string,
  content: Uint8Array,
  recipe: readonly [seed: number, length: number],
): Promise<boolean> {
  const { random, registry, caller, say } = client;
  let uploadId = "";
  const begun = await client.attempt("begin", async () => {
    uploadId = (await registry.oci.startUpload(caller, { repository })).upload_id;
  });
  if (!begun) return false;
  say({ t: "upload", upload: uploadId, repository, digest, recipe });
  let offset = 0;
  while (offset < content.length && random.chance(0.6)) {
    const to = Math.min(content.length, offset + 1 + random.int(content.length));
    say({ t: "sending", upload: uploadId, to });
    const input = { repository, uploadId, offset, source: pieces(content.subarray(offset, to)) };
    if (!(await client.attempt("append", () => registry.oci.appendUpload(caller, input)))) return false;
    offset = to;
    say({ t: "offset", upload: uploadId, offset });
  }
  say({ t: "sending", upload: uploadId, to: content.length });
  say({ t: "closing", upload: uploadId });
  const rest = content.subarray(offset);
  const done = await change(client, [[`blob ${repository} ${digest}`, digest]], () =>
    registry.oci.completeUpload(caller, {
      ...{ repository, uploadId, digest },
      ...(rest.length > 0 && { offset, source: pieces(rest) }),
    }),
  );
  if (done) say({ t: "ended", upload: uploadId });
  return done;
}

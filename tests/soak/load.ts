/** Work for a registry: packages that are made, filled, changed and finalised, and images, by several clients at once. */
import { createHash } from "node:crypto";
import { type Caller, type Hasher, isRegistryError, messageOf, type Registry } from "../../core/mod.ts";
import { pushImages } from "./load_images.ts";
import type { Report } from "./oracle.ts";
import { createRandom, type Random, sleep } from "./rig.ts";

export interface LoadOptions {
  readonly seed: number;
  readonly clients: number;
  /** Longest pause between two operations of one client, in ms. */
  readonly pause: number;
  /** How often a file is large (up to 12 MiB). */
  readonly large: number;
  /** How often a client pushes an image, where it would fill a package. */
  readonly images: number;
  /** Clients give up after so many failures. */
  readonly patience: number;
}

/** Contents that every run knows, so that they are stored once and pushed often, at times by two at once. */
const SHARED = 40;
const MIB = 1024 * 1024;

/** Runs until every client has given up, or for ever. */
export async function load(
  registry: Registry,
  caller: Caller,
  hasher: Hasher,
  options: LoadOptions,
  say: (report: Report) => void,
): Promise<void> {
  const neighbours = findNeighbours(hasher, options.seed);
  say({ t: "opened" });
  await Promise.all(
    Array.from({ length: options.clients }, (_, i) => {
      return client({ registry, caller, options, say, neighbours, name: `client-${i}` }, options.seed * 64 + i);
    }),
  );
}

interface Client {
  readonly registry: Registry;
  readonly caller: Caller;
  readonly options: LoadOptions;
  readonly say: (report: Report) => void;
  readonly neighbours: Uint8Array[];
  readonly name: string;
}

async function client(context: Client, seed: number): Promise<void> {
  const { registry, caller, options, say } = context;
  const random = createRandom(seed);
  let failures = 0;
  let operations = 0;

  /** True when it was acknowledged. */
  async function attempt(id: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      failures += 1;
      if (isRegistryError(error) && error.code !== "internal") say({ t: "failed", id, code: error.code });
      else say({ t: "broken", message: `${context.name} ${messageOf(error)}` });
      await sleep(2);
      return false;
    }
  }

  while (failures < options.patience) {
    if (random.chance(options.images)) {
      await pushImages({ ...context, random, attempt, nextContent: () => nextContent(context, random) });
      if (options.pause > 0) await sleep(random.next() * options.pause);
      continue;
    }
    const name = random.pick(["evidence", "release/app", "nightly"]);
    let packageId = "";
    const made = await attempt("create", async () => {
      packageId = (await registry.createPackage(caller, { name, retentionClass: "working" })).package_id;
    });
    if (!made) continue;
    say({ t: "created", package: packageId, name });
    const paths: string[] = [];

    const change = async (path: string, content: Uint8Array | null, work: () => Promise<unknown>) => {
      const id = `${packageId} ${operations++}`;
      say({ t: "begin", id, package: packageId, path, content: content === null ? null : sha256(content) });
      const done = await attempt(id, work);
      if (done) say({ t: "ack", id });
      return done;
    };

    for (let left = 1 + random.int(14); left > 0 && failures < options.patience; left--) {
      const what = random.next();
      if (what < 0.08 && paths.length > 0) {
        const path = random.pick(paths);
        const content = nextContent(context, random);
        await change(path, content, () => registry.replaceFile(caller, { packageId, path, source: pieces(content) }));
      } else if (what < 0.13 && paths.length > 1) {
        const [path = ""] = paths.splice(random.int(paths.length), 1);
        await change(path, null, () => registry.removeFile(caller, { packageId, path }));
      } else {
        const path = `${random.pick(["a", "b c", "ü/é"])}/${left}-${operations}`;
        const content = nextContent(context, random);
        const source = pieces(content);
        if (await change(path, content, () => registry.ingestFile(caller, { packageId, path, source })))
          paths.push(path);
      }
      if (options.pause > 0) await sleep(random.next() * options.pause);
    }
    if (!random.chance(0.8)) continue;
    say({ t: "finalizing", package: packageId });
    let manifest = "";
    const finalized = await attempt("finalize", async () => {
      manifest = (await registry.finalizePackage(caller, packageId)).manifest_digest ?? "";
    });
    if (finalized) say({ t: "finalized", package: packageId, manifest });
  }
}

function nextContent({ neighbours, options }: Client, random: Random): Uint8Array {
  const what = random.next();
  if (what < options.large) return bytesOf(random.int(2 ** 31), MIB + random.int(11 * MIB));
  if (what < options.large + 0.1) return bytesOf(random.int(SHARED), 3000);
  if (what < options.large + 0.2) return bytesOf(random.int(2 ** 31), 64 * 1024 + random.int(256 * 1024));
  return neighbours.shift() ?? bytesOf(random.int(2 ** 31), random.int(8000));
}

/**
 * Small contents in pairs whose digests begin with the same four digits: the second of a pair goes to a directory that
 * the first has just made, so only the sync of that one directory keeps its name through a power cut.
 */
function findNeighbours(hasher: Hasher, seed: number): Uint8Array[] {
  const shards = new Map<string, Uint8Array>();
  const found: Uint8Array[] = [];
  for (let i = 0; i < 2500; i++) {
    const content = bytesOf(seed * 4099 + i, 200 + (i % 800));
    const state = hasher.create("blake3");
    state.update(content);
    const shard = [...state.digest().subarray(0, 2)].join(".");
    const first = shards.get(shard);
    if (first !== undefined) found.push(first, content);
    shards.set(shard, content);
  }
  return found;
}

const recipes = new WeakMap<Uint8Array, readonly [seed: number, length: number]>();

/** What `bytesOf` made it from. */
export const recipeOf = (content: Uint8Array) => recipes.get(content);

/** The same bytes for the same seed and length. */
export function bytesOf(seed: number, length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (seed ^ Math.imul(length + 1, 2654435761)) >>> 0;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[i] = state ^ (state >>> 15);
  }
  const content = new Uint8Array(words.buffer, 0, length);
  recipes.set(content, [seed, length]);
  return content;
}

export async function* pieces(content: Uint8Array): AsyncGenerator<Uint8Array> {
  const size = 256 * 1024;
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

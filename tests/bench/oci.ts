/**
 * `/v2/` beside Debian's `docker-registry` and zot, on loopback: load generator and servers share the processors, for all
 * of them alike. Needs `wrk`; a peer that is not on the path is left out.
 *
 *   bun tests/bench/oci.ts manifests [--rounds 3] [--seconds 5]       GET and HEAD by tag, 32 connections
 *   bun tests/bench/oci.ts layers    [--rounds 3] [--mebibytes 1,10,100] push and pull of layers, one by one, distinct random data
 *   bun tests/bench/oci.ts images    [--rounds 3] [--images 1000]     images of 5 layers of 4 KiB, pushed by 8 clients
 *   bun tests/bench/oci.ts suite     [--rounds 3]    the conformance suite that ARTIFACTSTORE_TEST_OCI_SUITE names, whole
 *
 * `--runtimes bun,deno,node` chooses what ours runs on. Each round starts every server anew on an empty directory; the
 * order changes from round to round, and the first one only warms up.
 */
import { hash, randomFillSync } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { serve, sqlitePlace } from "../e2e/bad_days.ts";
import { runSuite, SUITE_SETTINGS } from "../oci/suite.ts";
import { sleep } from "../soak/rig.ts";
import { DOCKER_REGISTRY, isHere, type Peer, race, report, startProgram, ZOT, ZOT_SYNCED } from "./peers.ts";
import { workspace } from "./support.ts";

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    mebibytes: { type: "string", default: "1,10,100" },
    images: { type: "string", default: "1000" },
    clients: { type: "string", default: "8" },
    connections: { type: "string", default: "32" },
    runtimes: { type: "string", default: "bun" },
  },
});
const place = workspace();
process.on("exit", () => place.dispose());
const MIB = 1024 * 1024;

interface Running {
  /** `http://host:port` */
  readonly url: string;
  stop(): Promise<unknown>;
}
const ours = (runtime: "bun" | "deno" | "node"): Peer<Running> => ({
  name: `artifactstore on ${runtime}`,
  start(scratch) {
    mkdirSync(join(scratch, "objects"));
    const settings = ["log.level=error", ...SUITE_SETTINGS].flatMap((setting) => ["--set", setting]);
    return serve(sqlitePlace(join(scratch, "objects"), join(scratch, "app.db")), runtime, settings);
  },
});

async function ask(url: string, init: RequestInit, wanted: number): Promise<Response> {
  const response = await fetch(url, init);
  if (response.status !== wanted) throw new Error(`${init.method} ${url}: ${response.status} ${await response.text()}`);
  return response;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** POST, then PUT of the whole: as most clients do. */
async function pushBlob(base: string, bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const digest = `sha256:${hash("sha256", bytes)}`;
  await sendBlob(base, bytes, digest);
  return { mediaType, digest, size: bytes.length };
}

async function sendBlob(base: string, bytes: Uint8Array, digest: string): Promise<void> {
  const session = await ask(`${base}/blobs/uploads/`, { method: "POST" }, 202);
  await session.arrayBuffer();
  const to = new URL(session.headers.get("location") ?? "", base);
  to.searchParams.set("digest", digest);
  const headers = { "content-type": "application/octet-stream" };
  await (await ask(to.href, { method: "PUT", headers, body: bytes as Uint8Array<ArrayBuffer> }, 201)).arrayBuffer();
}

const random = (bytes: number) => {
  const data = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += MIB) randomFillSync(data, at, Math.min(MIB, bytes - at));
  return data;
};
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** Layers of random bytes, each of its own, behind one tag. */
async function pushImage(base: string, tag: string, layers: readonly number[]): Promise<void> {
  const pushed: Descriptor[] = [];
  for (const size of layers)
    pushed.push(await pushBlob(base, random(size), "application/vnd.oci.image.layer.v1.tar+gzip"));
  const text = JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] }, tag });
  const config = await pushBlob(base, Buffer.from(text), "application/vnd.oci.image.config.v1+json");
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: pushed });
  const headers = { "content-type": MANIFEST };
  await (await ask(`${base}/manifests/${tag}`, { method: "PUT", headers, body: manifest }, 201)).arrayBuffer();
}

/** Seconds in which runtimes compile what is hot; each server gets them before it is measured. */
const WARM_UP = 10;

/** Answers a second to GET, by wrk. */
function getRate(url: string): number {
  const wrk = (seconds: string) =>
    Bun.spawnSync([
      ...["wrk", "-t1", `-c${given.connections}`, `-d${seconds}s`, "-H", `Accept: ${MANIFEST}`, url],
    ]).stdout.toString();
  wrk(String(WARM_UP));
  const text = wrk(given.seconds);
  const found = /Requests\/sec:\s+([\d.]+)/.exec(text);
  if (found === null || /Non-2xx|Socket errors/.test(text)) throw new Error(`wrk ${url}: ${text}`);
  return Number(found[1]);
}

/** Answers a second to HEAD. Not by wrk, which waits for the body that Content-Length speaks of. */
async function headRate(url: string): Promise<number> {
  const { hostname, port, pathname, host } = new URL(url);
  const request = `HEAD ${pathname} HTTP/1.1\r\nHost: ${host}\r\nAccept: ${MANIFEST}\r\n\r\n`;
  const run = async (seconds: number) => {
    let count = 0;
    let open = true;
    const one = () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(Number(port), hostname, () => void socket.write(request));
        let rest = "";
        socket.setEncoding("latin1").on("data", (text: string) => {
          rest += text;
          if (!rest.endsWith("\r\n\r\n")) return;
          if (!rest.startsWith("HTTP/1.1 200")) reject(new Error(`HEAD ${url}: ${rest}`));
          rest = "";
          count++;
          if (open) socket.write(request);
          else socket.end();
        });
        socket.on("close", () => (open ? reject(new Error(`HEAD ${url}: closed`)) : resolve()));
        socket.on("error", reject);
      });
    const all = Promise.all(Array.from({ length: Number(given.connections) }, one));
    const began = performance.now();
    await Promise.race([sleep(seconds * 1000), all]);
    const rate = count / ((performance.now() - began) / 1000);
    open = false;
    await all;
    return rate;
  };
  await run(WARM_UP);
  return run(Number(given.seconds));
}

async function manifests({ url }: Running): Promise<Record<string, number>> {
  const base = `${url}/v2/bench/images`;
  await pushImage(base, "latest", [4096, 4096]);
  const at = `${base}/manifests/latest`;
  return {
    "manifest GET by tag, answers/s": getRate(at),
    "manifest HEAD by tag, answers/s": await headRate(at),
  };
}

/** Small blobs that each server gets before layers are measured: what is hot is compiled, directories are there. */
const WARM_PUSHES = 50;
/** Layers of one size: as many as have this together, MiB, and no more than so many. */
const LAYERS_TOGETHER = 200;
const MOST_LAYERS = 20;

async function layers({ url }: Running): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  const base = `${url}/v2/bench/layers`;
  for (let i = 0; i < WARM_PUSHES; i++) await pushBlob(base, random(65_536), "application/octet-stream");
  for (const mebibytes of given.mebibytes.split(",").map(Number)) {
    const count = Math.min(MOST_LAYERS, Math.ceil(LAYERS_TOGETHER / mebibytes));
    const digests: string[] = [];
    let pushing = 0;
    for (let i = 0; i < count; i++) {
      const data = random(mebibytes * MIB);
      const digest = `sha256:${hash("sha256", data)}`;
      const began = performance.now();
      await sendBlob(base, data, digest);
      pushing += performance.now() - began;
      digests.push(digest);
    }
    const megabytes = (count * mebibytes * MIB) / 1e6;
    seen[`push of ${mebibytes} MiB, MB/s`] = megabytes / (pushing / 1000);
    const began = performance.now();
    const wanted = digests.flatMap((digest) => ["-o", "/dev/null", `${base}/blobs/${digest}`]);
    const run = Bun.spawnSync(["curl", "-sS", "--fail", "-w", "%{size_download} ", ...wanted]);
    seen[`pull of ${mebibytes} MiB, MB/s`] = megabytes / ((performance.now() - began) / 1000);
    const sizes = run.stdout.toString().trim().split(" ").map(Number);
    if (sizes.length !== count || sizes.some((size) => size !== mebibytes * MIB))
      throw new Error(`curl: ${run.stderr}`);
  }
  return seen;
}

async function images({ url }: Running): Promise<Record<string, number>> {
  const all = Number(given.images);
  let next = 0;
  const began = performance.now();
  const client = async () => {
    for (let i = next++; i < all; i = next++)
      await pushImage(`${url}/v2/bench/image-${i % 100}`, `t${i}`, Array(5).fill(4096));
  };
  await Promise.all(Array.from({ length: Number(given.clients) }, client));
  return { [`${all} images by ${given.clients} clients, images/s`]: all / ((performance.now() - began) / 1000) };
}

/** Whatever a peer fails: how long it takes to hear so. */
async function suite({ url }: Running): Promise<Record<string, number>> {
  const program = process.env.ARTIFACTSTORE_TEST_OCI_SUITE;
  if (program === undefined) throw new Error("ARTIFACTSTORE_TEST_OCI_SUITE names no conformance suite");
  const results = mkdtempSync(join(place.dir, "results-"));
  const began = performance.now();
  const said = await runSuite(resolve(program), new URL(url).host, results);
  const seconds = (performance.now() - began) / 1000;
  if (!existsSync(join(results, "results.yaml"))) throw new Error(said.slice(-2000));
  return { "conformance suite, whole runs a minute": 60 / seconds };
}

const RUNTIMES = ["bun", "deno", "node"] as const;
const peers = RUNTIMES.filter((name) => given.runtimes.split(",").includes(name)).map(ours);
for (const program of [DOCKER_REGISTRY, ZOT, ZOT_SYNCED].filter(isHere))
  peers.push({ name: program.name, start: (scratch) => startProgram(program, scratch) });

const parts: Readonly<Record<string, (peer: Running) => Promise<Record<string, number>>>> = {
  manifests,
  layers,
  images,
  suite,
};
const part = parts[positionals[0] ?? ""];
if (part === undefined) throw new Error("say what to measure: manifests, layers, images or suite");
report(await race(peers, { rounds: Number(given.rounds), dir: place.dir }, part), peers[0]?.name ?? "");
process.exit();

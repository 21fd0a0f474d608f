/**
 * The HTTP door beside Debian's `docker-registry` and a bare Bun handler, on loopback: load generator and server share the
 * processors, for all of them alike. Needs `curl`; `docker-registry` and `wrk` (Debian packages) are left out if missing.
 *
 *   bun tests/bench/http.ts large    [--rounds 5] [--megabytes 1024]      one upload, then one download
 *   bun tests/bench/http.ts parallel [--rounds 5] [--uploads 64] [--megabytes 16]
 *   bun tests/bench/http.ts small    [--rounds 5] [--seconds 5]           GET of 1 KiB, 16 connections
 *
 * `--runtimes bun,deno,node` chooses what ours runs on. Each round starts every server anew on an empty directory; the
 * order changes from round to round.
 */
import { createHash, randomFillSync } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { DOCKER_REGISTRY, isHere, type Peer, race, report, startProgram } from "./peers.ts";
import { workspace } from "./support.ts";

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    megabytes: { type: "string" },
    uploads: { type: "string", default: "64" },
    seconds: { type: "string", default: "5" },
    runtimes: { type: "string", default: "bun" },
  },
});
const root = resolve(import.meta.dirname, "../..");
const place = workspace();
const bin = (name: string) => join(root, "node_modules", name);

/** A file that is sent: its digest is known beforehand, as a pushing client knows it. */
interface Content {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

interface Running {
  /** Where `content` may be read once `upload` has resolved. */
  upload(content: Content): Promise<string>;
  stop(): Promise<unknown>;
}

/** Whatever happens, no server outlives the benchmark. */
const children = new Set<Bun.Subprocess>();
async function end(child: Bun.Subprocess): Promise<void> {
  child.kill();
  await child.exited;
  children.delete(child);
}

async function spawn(command: readonly string[], ready: RegExp, env: Record<string, string> = {}) {
  const child = Bun.spawn([...command], {
    cwd: root,
    env: { ...process.env, ...env },
    stdout: "pipe",
    stderr: "ignore",
  });
  children.add(child);
  const decoder = new TextDecoder();
  let seen = "";
  for await (const chunk of child.stdout) {
    seen += decoder.decode(chunk, { stream: true });
    const found = ready.exec(seen);
    if (found !== null) {
      return {
        url: (found[1] as string).replace(/\/$/, ""),
        stop: () => end(child),
      };
    }
  }
  throw new Error(`${command.join(" ")} ended before it was ready: ${seen}`);
}

async function answer(response: Response): Promise<Response> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response;
}

const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  bun: [bin(".bin/bun")],
  deno: [bin(".bin/deno"), "run", "-A", "--no-lock"],
  node: [bin("node/bin/node")],
};

const ours = (runtime: string, verify: boolean): Peer<Running> => ({
  name: `artifactstore on ${runtime}${verify ? "" : ", reads.verify = false"}`,
  async start(scratch) {
    const command = [
      ...(RUNTIMES[runtime] ?? []),
      join(root, "cli/main.ts"),
      "serve",
      "--data-dir",
      join(scratch, "data"),
    ];
    const env = {
      ARTIFACTSTORE_LISTEN: "127.0.0.1:0",
      ARTIFACTSTORE_READS_VERIFY: String(verify),
      ARTIFACTSTORE_LOG_LEVEL: "error",
    };
    const { url, stop } = await spawn(command, /listens on (http:\S+)/, env);
    const created = await answer(
      await fetch(`${url}/packages`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: "bench", retention_class: "transient" }),
      }),
    );
    const { package_id } = (await created.json()) as { package_id: string };
    let files = 0;
    return {
      async upload({ path }) {
        const at = `${url}/packages/${package_id}/files/file-${files++}`;
        await (await answer(await fetch(at, { method: "PUT", body: Bun.file(path) }))).arrayBuffer();
        return at;
      },
      stop,
    };
  },
});

const bare: Peer<Running> = {
  name: "bare Bun handler",
  async start(scratch) {
    const { url, stop } = await spawn(
      [process.execPath, join(import.meta.dirname, "bare_upload.ts"), join(scratch, "bare")],
      /(http:\S+)/,
    );
    let files = 0;
    return {
      async upload({ path }) {
        const at = `${url}/file-${files++}`;
        await (await answer(await fetch(at, { method: "PUT", body: Bun.file(path) }))).arrayBuffer();
        return at;
      },
      stop,
    };
  },
};

const distribution: Peer<Running> = {
  name: "docker-registry",
  async start(scratch) {
    const { url, stop } = await startProgram(DOCKER_REGISTRY, scratch);
    return {
      async upload({ path, sha256 }) {
        const session = await answer(await fetch(`${url}/v2/bench/blobs/uploads/`, { method: "POST" }));
        const location = session.headers.get("location") ?? "";
        await answer(
          await fetch(`${location}&digest=sha256:${sha256}`, {
            method: "PUT",
            headers: { "content-type": "application/octet-stream" },
            body: Bun.file(path),
          }),
        );
        return `${url}/v2/bench/blobs/sha256:${sha256}`;
      },
      stop,
    };
  },
};

function makeContent(name: string, bytes: number): Content {
  const path = join(place.dir, name);
  const fd = openSync(path, "wx");
  const hash = createHash("sha256");
  const block = new Uint8Array(Math.min(bytes, 1024 * 1024));
  for (let left = bytes; left > 0; left -= block.length) {
    const part = randomFillSync(block).subarray(0, Math.min(left, block.length));
    hash.update(part);
    writeSync(fd, part);
  }
  closeSync(fd);
  return { path, bytes, sha256: hash.digest("hex") };
}

/** Milliseconds that curl needs to take a whole answer, which must have the length it should have. */
function download(url: string, bytes: number): number {
  const began = performance.now();
  const run = Bun.spawnSync(["curl", "-sS", "--fail", "-o", "/dev/null", "-w", "%{size_download}", url]);
  const time = performance.now() - began;
  if (run.exitCode !== 0 || Number(run.stdout.toString()) !== bytes) throw new Error(`curl ${url}: ${run.stderr}`);
  return time;
}

/** Seconds in which runtimes compile what is hot; each server gets them before it is measured. */
const WARM_UP = 10;

/** Answers a second, by wrk. */
function rate(url: string): number {
  Bun.spawnSync(["wrk", "-t1", "-c16", `-d${WARM_UP}s`, url]);
  const run = Bun.spawnSync(["wrk", "-t1", "-c16", `-d${given.seconds}s`, url]);
  const text = run.stdout.toString();
  const found = /Requests\/sec:\s+([\d.]+)/.exec(text);
  if (found === null || /Non-2xx/.test(text)) throw new Error(`wrk ${url}: ${text}`);
  return Number(found[1]);
}

const rounds = { rounds: Number(given.rounds), dir: place.dir };
const runtimes = given.runtimes.split(",");
const MIB = 1024 * 1024;
const peers = [...runtimes.map((runtime) => ours(runtime, true)), bare];
if (isHere(DOCKER_REGISTRY)) peers.push(distribution);

async function large(): Promise<void> {
  const content = makeContent("large.bin", Number(given.megabytes ?? 1024) * MIB);
  const megabytes = content.bytes / 1e6;
  const unverified = ours(runtimes[0] ?? "bun", false);
  const figures = await race([...peers, unverified], rounds, async (server) => {
    const began = performance.now();
    const url = await server.upload(content);
    const up = performance.now() - began;
    const down = Math.min(download(url, content.bytes), download(url, content.bytes));
    return { upload: megabytes / (up / 1000), download: megabytes / (down / 1000) };
  });
  report(figures, peers[0]?.name ?? "", "MB/s");
}

async function parallel(): Promise<void> {
  const size = Number(given.megabytes ?? 16) * MIB;
  const contents = Array.from({ length: Number(given.uploads) }, (_, i) => makeContent(`part-${i}.bin`, size));
  const figures = await race(peers, rounds, async (server) => {
    const began = performance.now();
    await Promise.all(contents.map((content) => server.upload(content)));
    const seconds = (performance.now() - began) / 1000;
    return { [`${contents.length} uploads at once`]: (size * contents.length) / 1e6 / seconds };
  });
  report(figures, peers[0]?.name ?? "", "MB/s");
}

async function small(): Promise<void> {
  if (Bun.which("wrk") === null) throw new Error("wrk is not installed (Debian package wrk)");
  const content = makeContent("small.bin", 1024);
  const figures = await race(peers, rounds, async (server) => ({ "GET of 1 KiB": rate(await server.upload(content)) }));
  report(figures, peers[0]?.name ?? "", "/s");
}

const parts: Readonly<Record<string, () => Promise<void>>> = { large, parallel, small };
try {
  const part = parts[positionals[0] ?? ""];
  if (part === undefined) throw new Error("say what to measure: large, parallel or small");
  await part();
} finally {
  await Promise.all([...children].map(end));
  place.dispose();
}

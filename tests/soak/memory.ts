/**
 * How much memory the server takes: many large uploads at once, then readers of one large object at 1 KB/s.
 *
 *   tests/soak/memory [--uploads 64] [--megabytes 256] [--readers 16] [--seconds 20] [--runtimes bun,deno,node]
 *
 * The bounds do not depend on the sizes: 512 MiB at most over all uploads, and 4 MiB more for each reader that hangs on a
 * 1 GiB object (or four uploads' size, if that is less). Ends with `N passed, N failed`.
 */
import { randomFillSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values: given } = parseArgs({
  options: {
    uploads: { type: "string", default: "64" },
    megabytes: { type: "string", default: "256" },
    readers: { type: "string", default: "16" },
    seconds: { type: "string", default: "20" },
    runtimes: { type: "string", default: "bun,deno,node" },
    help: { type: "boolean" },
  },
});
const MIB = 2 ** 20;
const MOST = 512 * MIB;
const PER_READER = 4 * MIB;
const root = resolve(import.meta.dirname, "../..");
const uploads = Number(given.uploads);
const megabytes = Number(given.megabytes);
const readers = Number(given.readers);

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  bun: ["node_modules/.bin/bun"],
  deno: ["node_modules/.bin/deno", "run", "-A", "--no-lock"],
  node: ["node_modules/node/bin/node"],
};

let passed = 0;
let failed = 0;
function check(name: string, good: boolean): void {
  console.log(`${good ? "ok" : "FAILED"}: ${name}`);
  if (good) passed++;
  else failed++;
}

const inMib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;

/** In bytes, by its name in /proc. */
function memoryOf(pid: number, field: "VmHWM" | "VmRSS"): number {
  const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1024;
}

const noise = randomFillSync(new Uint8Array(MIB));

/** Bytes that differ from one `seed` to the next, without memory of their own. */
async function* content(seed: number, count: number): AsyncGenerator<Uint8Array> {
  const first = noise.slice();
  new DataView(first.buffer).setUint32(0, seed);
  for (let part = 0; part < count; part++) yield part === 0 ? first : noise;
}

async function put(url: string, seed: number, count: number): Promise<void> {
  const response = await fetch(url, { method: "PUT", body: content(seed, count) as unknown as BodyInit });
  const text = await response.text();
  if (response.status !== 201 || JSON.parse(text).size !== count * MIB) throw new Error(`${response.status} ${text}`);
}

/** Reads `bytes` each second until it is told to stop, over a socket whose own buffer is small. */
function slowReader(url: URL, bytes: number): () => void {
  const socket = connect(Number(url.port), url.hostname);
  socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
  socket.on("error", () => {});
  socket.pause();
  const clock = setInterval(() => void socket.read(bytes), 1000);
  return () => {
    clearInterval(clock);
    socket.destroy();
  };
}

async function run(runtime: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "artifactstore-memory-"));
  const child = Bun.spawn([...(COMMANDS[runtime] ?? []), "cli/main.ts", "serve", "--data-dir", directory], {
    cwd: root,
    env: { ...process.env, ARTIFACTSTORE_LISTEN: "127.0.0.1:0", ARTIFACTSTORE_LOG_LEVEL: "error" },
    stdout: "pipe",
    stderr: "inherit",
  });
  try {
    let said = "";
    const decoder = new TextDecoder();
    const reader = child.stdout.getReader();
    while (!/listens on http:\S+\s/.test(said)) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`the server ended: ${said}`);
      said += decoder.decode(value, { stream: true });
    }
    const url = (/listens on (http:\S+)/.exec(said)?.[1] ?? "").replace(/\/$/, "");
    const created = await fetch(`${url}/packages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "memory", retention_class: "transient" }),
    });
    const { package_id: id } = (await created.json()) as { package_id: string };
    const at = (name: string) => `${url}/packages/${id}/files/${name}`;
    const idle = memoryOf(child.pid, "VmRSS");
    const began = performance.now();
    await Promise.all(Array.from({ length: uploads }, (_, i) => put(at(`file-${i}`), i, megabytes)));
    const seconds = (performance.now() - began) / 1000;
    const most = memoryOf(child.pid, "VmHWM");
    const rate = Math.round((uploads * megabytes * MIB) / 1e6 / seconds);
    check(
      `${runtime}: ${uploads} uploads of ${megabytes} MiB at once take ${inMib(most)} at most (idle ${inMib(idle)}, ${rate} MB/s)`,
      most < MOST,
    );

    const large = Math.min(1024, 4 * megabytes);
    await put(at("large"), uploads, large);
    await Bun.sleep(2000);
    const before = memoryOf(child.pid, "VmRSS");
    const stops = Array.from({ length: readers }, () => slowReader(new URL(at("large")), 1000));
    let held = 0;
    for (let second = 0; second < Number(given.seconds); second++) {
      await Bun.sleep(1000);
      held = Math.max(held, memoryOf(child.pid, "VmRSS") - before);
    }
    for (const stop of stops) stop();
    check(
      `${runtime}: ${readers} readers at 1 KB/s of an object of ${large} MiB hold ${inMib(held)} together`,
      held < readers * PER_READER,
    );
  } finally {
    child.kill();
    await child.exited;
    rmSync(directory, { recursive: true, force: true });
  }
}

if (given.help === true) {
  console.log(readFileSync(import.meta.path, "utf8").split("*/")[0]);
} else {
  for (const runtime of (given.runtimes ?? "").split(",")) {
    await run(runtime).catch((error: unknown) => check(`${runtime}: ${String(error)}`, false));
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** How much memory the server takes: many large uploads at once, then readers of one large object at 1 KB/s. */
import { randomFillSync } from "node:crypto";
import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { serve, sqlitePlace } from "../e2e/bad_days.ts";
import { memoryOf } from "./memory_of.ts";
import { commit, sleep, Tally, workspace } from "./rig.ts";

const USAGE = `usage: tests/soak/memory [options]
  --uploads <n>       at once (default 64)
  --megabytes <n>     MiB of each (default 256)
  --readers <n>       of one object of 1 GiB, or four times an upload if that is less (default 16)
  --seconds <n>       that they read for (default 20)
  --runtimes <list>   of the server: bun, deno, node; comma-separated (default: all)

The bounds do not depend on the sizes: 512 MiB at most over all uploads, and 4 MiB more for each reader.`;

const { values: given } = parseArgs({
  options: {
    uploads: { type: "string", default: "64" },
    megabytes: { type: "string", default: "256" },
    readers: { type: "string", default: "16" },
    seconds: { type: "string", default: "20" },
    runtimes: { type: "string", default: "bun,deno,node" },
    help: { type: "boolean", default: false },
  },
});
if (given.help) {
  console.log(USAGE);
  process.exit(0);
}
const MIB = 2 ** 20;
const MOST = 512 * MIB;
const PER_READER = 4 * MIB;
const [uploads, megabytes, readers] = [Number(given.uploads), Number(given.megabytes), Number(given.readers)];

const tally = new Tally();
const inMib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
const atMost = (found: number, most: number) =>
  found < most ? [] : [`${inMib(found)}, and ${inMib(most)} are allowed`];

/** Of the server, in bytes. */
function memory(pid: number, field: "VmHWM" | "VmRSS"): number {
  const bytes = memoryOf(pid, field);
  if (bytes === 0) throw new Error(`nothing tells ${field} of the server: it has gone, or there is no /proc`);
  return bytes;
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

interface SlowReader {
  /** What it was sent first. */
  began(): string;
  /** False once the server has cut it off: then it proves nothing. */
  alive(): boolean;
  stop(): void;
}

/** Takes `bytes` each second, and leaves the rest with the server. */
function slowReader(url: URL, bytes: number): SlowReader {
  const socket = connect(Number(url.port), url.hostname);
  let first = "";
  let closed = false;
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
  });
  // Listened to and never resumed: nothing is read but what is asked for.
  socket.on("readable", () => {});
  socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
  const clock = setInterval(() => {
    const chunk = socket.read(bytes) as Buffer | null;
    first ||= chunk?.toString("latin1", 0, 100) ?? "";
  }, 1000);
  return {
    began: () => first,
    alive: () => !closed,
    stop() {
      clearInterval(clock);
      socket.destroy();
    },
  };
}

async function run(runtime: "bun" | "deno" | "node"): Promise<void> {
  const folder = workspace("memory");
  mkdirSync(join(folder, "objects"));
  const place = sqlitePlace(join(folder, "objects"), join(folder, "app.db"));
  const server = await serve(place, runtime, ["--set", "log.level=error"]);
  try {
    await measure(runtime, server);
    await server.stop();
  } finally {
    // After a failure uploads may be under way: nobody waits for those.
    await server.kill();
  }
}

async function measure(runtime: string, { url, pid }: { readonly url: string; readonly pid: number }): Promise<void> {
  const created = await fetch(`${url}/packages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "memory", retention_class: "transient" }),
  });
  const { package_id: id } = (await created.json()) as { package_id: string };
  const at = (name: string) => `${url}/packages/${id}/files/${name}`;
  const idle = memory(pid, "VmRSS");
  const started = performance.now();
  await Promise.all(Array.from({ length: uploads }, (_, i) => put(at(`file-${i}`), i, megabytes)));
  const rate = (uploads * megabytes * MIB) / 1000 / (performance.now() - started);
  const most = memory(pid, "VmHWM");
  const told = `${inMib(most)} at most (idle ${inMib(idle)}, ${Math.round(rate)} MB/s)`;
  tally.record(`${runtime}: ${uploads} uploads of ${megabytes} MiB at once take ${told}`, atMost(most, MOST));

  const large = Math.min(1024, 4 * megabytes);
  await put(at("large"), uploads, large);
  await sleep(2000);
  const before = memory(pid, "VmRSS");
  const all = Array.from({ length: readers }, () => slowReader(new URL(at("large")), 1000));
  try {
    let held = 0;
    for (let second = 0; second < Number(given.seconds); second++) {
      await sleep(1000);
      held = Math.max(held, memory(pid, "VmRSS") - before);
    }
    const wrong = all.filter((reader) => !reader.began().startsWith("HTTP/1.1 200") || !reader.alive()).length;
    tally.record(`${runtime}: ${readers} readers at 1 KB/s of an object of ${large} MiB hold ${inMib(held)} together`, [
      ...atMost(held, readers * PER_READER),
      ...(wrong === 0 ? [] : [`${wrong} of them were refused or cut off`]),
    ]);
  } finally {
    for (const reader of all) reader.stop();
  }
}

console.log(`memory: commit ${commit()}`);
for (const name of given.runtimes.split(",")) {
  const runtime = (["bun", "deno", "node"] as const).find((known) => known === name);
  if (runtime === undefined) throw new Error(`--runtimes is a list of bun, deno, node; there is no ${name}`);
  await run(runtime).catch((error: unknown) => tally.record(`${name}: the run`, [String(error)]));
}
tally.finish();
// Uploads that a failure left under way would keep it alive.
process.exit();

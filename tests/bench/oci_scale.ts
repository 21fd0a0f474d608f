/**
 * Whether `/v2/` is as quick with much in it: pages of tags and of the catalog from 100 to 100,000 of them, and how long a
 * server takes from its start to its first answer with so many manifests in its database. Loopback; needs `wrk`.
 *
 *   bun tests/bench/oci_scale.ts [--runtime bun] [--sizes 100,1000,10000,100000] [--starts 20] [--seconds 5]
 */
import { hash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { serve, sqlitePlace } from "../e2e/bad_days.ts";
import { memoryOf } from "../soak/memory_of.ts";
import { conditions, median, options, printTable, spread, workspace } from "./support.ts";

const given = options({ runtime: "bun", sizes: "100,1000,10000,100000", starts: "20", seconds: "5" });
const sizes = given.sizes.split(",").map(Number);
const place = workspace();
process.on("exit", () => place.dispose());
mkdirSync(join(place.dir, "objects"));
const store = sqlitePlace(join(place.dir, "objects"), join(place.dir, "app.db"));
const start = () => serve(store, given.runtime as "bun" | "deno" | "node", ["--set", "log.level=error"]);

const INDEX = "application/vnd.oci.image.index.v1+json";
/** An index of nothing: it needs no blob, so that manifests, tags and repositories are all that is added. */
const index = (name: string) =>
  JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { name } });
/** Tags that one request may give. */
const TAGS = 100;
const named = (n: number) => n.toString().padStart(6, "0");

async function put(url: string, body: string): Promise<void> {
  const answer = await fetch(url, { method: "PUT", headers: { "content-type": INDEX }, body });
  if (answer.status !== 201) throw new Error(`PUT ${url}: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
}

/** All of `from` to `to`, 32 at once. */
async function each(from: number, to: number, step: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = from;
  const worker = async () => {
    for (let n = next; n < to; n = next) {
      next += step;
      await work(n);
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

function rate(url: string): number {
  const text = Bun.spawnSync(["wrk", "-t1", "-c8", `-d${given.seconds}s`, url]).stdout.toString();
  const found = /Requests\/sec:\s+([\d.]+)/.exec(text);
  if (found === null || /Non-2xx|Socket errors/.test(text)) throw new Error(`wrk ${url}: ${text}`);
  return Number(found[1]);
}

const residentMiB = (pid: number, what: "VmRSS" | "VmHWM") => memoryOf(pid, what) / 2 ** 20;

let server = await start();
const idle = residentMiB(server.pid, "VmRSS");
const rows: string[][] = [];
let have = 0;
for (const size of sizes) {
  const { url } = server;
  await each(have, size, TAGS, async (n) => {
    const body = index(`of ${n}`);
    const tags = Array.from({ length: Math.min(TAGS, size - n) }, (_, i) => `tag=t${named(n + i)}`);
    await put(`${url}/v2/bench/tags/manifests/sha256:${hash("sha256", body)}?${tags.join("&")}`, body);
  });
  await each(have, size, 1, (n) => put(`${url}/v2/bench/of-many/r${named(n)}/manifests/latest`, index(`${n}`)));
  have = size;
  const middle = named(Math.floor(size / 2));
  rate(`${url}/v2/bench/tags/tags/list?n=100`);
  rows.push([
    size.toLocaleString("en"),
    rate(`${url}/v2/bench/tags/tags/list?n=50`).toFixed(0),
    rate(`${url}/v2/bench/tags/tags/list?n=50&last=t${middle}`).toFixed(0),
    rate(`${url}/v2/_catalog?n=50`).toFixed(0),
    rate(`${url}/v2/_catalog?n=50&last=bench/of-many/r${middle}`).toFixed(0),
    residentMiB(server.pid, "VmRSS").toFixed(0),
  ]);
}
const most = residentMiB(server.pid, "VmHWM");
await server.stop();

const starts: number[] = [];
for (let i = 0; i < Number(given.starts); i++) {
  const began = performance.now();
  server = await start();
  await (await fetch(`${server.url}/v2/`)).arrayBuffer();
  starts.push(performance.now() - began);
  await server.stop();
}

console.log(conditions());
console.log(`pages of 50, answers/s by 8 connections, on ${given.runtime}`);
printTable(["tags and repositories", "tags/list", "from the middle", "_catalog", "from the middle", "RSS, MiB"], rows);
console.log(`resident memory: idle ${idle.toFixed(0)} MiB, at most ${most.toFixed(0)} MiB`);
console.log(
  `start to first answer with ${have} tags, manifests and repositories: median of ${starts.length} ${median(starts).toFixed(0)} ms (${spread(starts, 0)})`,
);
process.exit();

/**
 * A package of a million entries, over HTTP: brought by archives, finalised, its manifest read as CBOR and as JSON, its
 * files listed, while somebody else asks the same server for small things and is not made to wait.
 * Usage: tests/soak/million_entries --help
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { loadHasher } from "../../adapters/hasher.ts";
import { CborReader } from "../../core/base/cbor_read.ts";
import { manifestDigest } from "../../core/manifest/mod.ts";
import { type Server, serve, sqlitePlace } from "../e2e/bad_days.ts";
import { header, member, tar } from "../support/tar_bytes.ts";
import { commit, sleep, Tally, workspace } from "./rig.ts";

const USAGE = `usage: tests/soak/million_entries [options]
  --entries <n>       default 1000000
  --runtime <name>    of the server: bun (default), deno or node
  --gap <ms>          how long a neighbour may wait while others are served (default 2500)`;
/** Of one archive, its directory not counted. */
const NAMES = 10_000;
/** How often the neighbour asks, ms. */
const EVERY = 20;

const { values } = parseArgs({
  options: {
    entries: { type: "string", default: "1000000" },
    runtime: { type: "string", default: "bun" },
    gap: { type: "string", default: "2500" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const runtime = (["bun", "deno", "node"] as const).find((name) => name === values.runtime);
if (runtime === undefined) throw new Error(`--runtime is bun, deno or node, not ${values.runtime}`);
const total = Number(values.entries);
const tally = new Tally();
const folder = workspace("million");
console.log(`million_entries: ${total}, commit ${commit()}, server on ${runtime}`);

const server = await serve(sqlitePlace(join(folder, "objects"), join(folder, "registry.db")), runtime);
const json = { "content-type": "application/json" };
const post = (path: string, body?: BodyInit, headers: Record<string, string> = {}) =>
  fetch(server.url + path, { method: "POST", headers, ...(body === undefined ? {} : { body }) });
const made = async (name: string) => {
  const body = JSON.stringify({ name, retention_class: "working" });
  return ((await (await post("/packages", body, json)).json()) as { package_id: string }).package_id;
};
const id = await made("million");
const neighbour = await made("neighbour");

/** `d0012/entry-0000123`: one file and hard links to it, which need no bytes of their own. One name in capitals each. */
function archive(number: number, names: number): Uint8Array<ArrayBuffer> {
  const name = (i: number) =>
    `d${String(number).padStart(4, "0")}/entry-${String(number * NAMES + i).padStart(7, "0")}`;
  const members = [member({ name: name(0) }, `content of archive ${number}`)];
  for (let i = 1; i < names - 1; i++) members.push(header({ name: name(i), type: "1", link: name(0) }));
  if (names > 1) members.push(header({ name: name(0).toUpperCase().replace("D", "d"), type: "1", link: name(0) }));
  return tar(...members);
}

/** Runs `work` while a neighbour asks for a package, and tells how long both took and what the server's memory was. */
async function watched<T>(what: string, work: () => Promise<T>): Promise<T> {
  const waits: number[] = [];
  let over = false;
  const asking = (async () => {
    while (!over) {
      const began = performance.now();
      const response = await fetch(`${server.url}/packages/${neighbour}`);
      await response.arrayBuffer();
      waits.push(performance.now() - began);
      if (response.status !== 200) throw new Error(`the neighbour was answered with ${response.status}`);
      await sleep(EVERY);
    }
  })();
  const began = performance.now();
  const result = await work();
  const seconds = (performance.now() - began) / 1000;
  over = true;
  await asking;
  waits.sort((a, b) => a - b);
  const at = (part: number) =>
    (waits[Math.min(Math.floor(waits.length * part), waits.length - 1)] as number).toFixed(0);
  const longest = waits.at(-1) as number;
  console.log(
    `${what}: ${seconds.toFixed(1)} s; a neighbour waited ${at(0.5)} ms (half), ${at(0.99)} ms (99 %), ${longest.toFixed(0)} ms (longest of ${waits.length}); peak RSS of the server ${peak()} MiB`,
  );
  if (what !== "archives") {
    const problems = longest > Number(values.gap) ? [`a neighbour waited ${longest.toFixed(0)} ms`] : [];
    tally.record(`${what}: nobody else waits for longer than ${values.gap} ms`, problems);
  }
  return result;
}

/** Since it began, in MiB. */
function peak(): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}

function expect(what: string, found: unknown, wanted: unknown): void {
  const same = JSON.stringify(found) === JSON.stringify(wanted);
  tally.record(what, same ? [] : [`${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`]);
}

await watched("archives", async () => {
  for (let number = 0; number * NAMES < total; number++) {
    const response = await post(`/packages/${id}/archive`, archive(number, Math.min(NAMES, total - number * NAMES)), {
      "content-type": "application/x-tar",
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`archive ${number}: ${response.status} ${text.slice(0, 500)}`);
  }
});

interface Finalized {
  readonly manifest_digest: string;
  readonly file_count: number;
  readonly warnings: readonly { readonly code: string; readonly count: number }[];
}
const closed = (await watched(
  "finalise",
  async () => await (await post(`/packages/${id}/finalize`)).json(),
)) as Finalized;
expect("every entry is a file of the finalised package", closed.file_count, total);
const clashes = Math.ceil(total / NAMES);
expect(
  "the names in capitals are told",
  closed.warnings?.map(({ code, count }) => [code, count]),
  [["case_clash", clashes]],
);

const read = async (accept: string) => {
  const response = await fetch(`${server.url}/packages/${id}/manifest`, { headers: { accept } });
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(new TextDecoder().decode(bytes.subarray(0, 500)));
  const length = response.headers.get("content-length");
  if (length !== String(bytes.length)) throw new Error(`${bytes.length} bytes came, ${length} were told`);
  return bytes;
};
const cbor = await watched("manifest as CBOR", () => read("application/cbor"));
console.log(`manifest: ${(cbor.length / 2 ** 20).toFixed(1)} MiB, ${(cbor.length / total).toFixed(0)} bytes an entry`);
expect("the CBOR has the digest", manifestDigest(cbor, await loadHasher()), closed.manifest_digest);
expect("and the entries", entriesOf(cbor), total);

const text = await watched("manifest as JSON", () => read("application/json"));
console.log(`as JSON: ${(text.length / 2 ** 20).toFixed(1)} MiB`);
expect("the JSON has the entries", occurrences(text, '"kind":"file"'), total);

const listed = await watched("lists of files", async () => {
  let [count, last, cursor] = [0, "", "" as string | null];
  while (cursor !== null) {
    const query = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await (await fetch(`${server.url}/packages/${id}/files?limit=1000${query}`)).json()) as {
      items: { path: string }[];
      next_cursor: string | null;
    };
    for (const { path } of page.items) {
      if (path <= last) throw new Error(`${path} comes after ${last}`);
      last = path;
    }
    count += page.items.length;
    cursor = page.next_cursor;
  }
  return count;
});
expect("the lists have the entries", listed, total);
const again = (await watched(
  "finalise again",
  async () => await (await post(`/packages/${id}/finalize`)).json(),
)) as Finalized;
expect("finalising again gives the same answer", again, closed);
expect("the server ends well", await (server as Server).stop(), 0);
tally.finish();

/** Keys go by length: `files` is the first field of a manifest. */
function entriesOf(bytes: Uint8Array): number | undefined {
  const reader = new CborReader(bytes);
  reader.enter("map");
  return reader.item() === "files" ? reader.enter("list") : undefined;
}

function occurrences(bytes: Uint8Array, wanted: string): number {
  let count = 0;
  const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = haystack.indexOf(wanted); at >= 0; at = haystack.indexOf(wanted, at + 1)) count++;
  return count;
}

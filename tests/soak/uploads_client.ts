/**
 * A client of one upload that remembers what it sent and what it was promised, and holds the server to it: an offset is
 * never below the last one told, never above what was sent, and a final answer stays final.
 */
import { createHash } from "node:crypto";
import { bytesOf, sha256 } from "./load.ts";
import { createRandom, type Random } from "./rig.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const PARTIAL = "application/partial-upload";

export interface UploadClient {
  readonly path: string;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  /** Its own: a seed gives it the same choices however the clients interleave. */
  readonly random: Random;
  /** Announced at the creation. */
  readonly announce: { readonly length: boolean; readonly digest: boolean };
  /** Known once a creation was answered. */
  id?: string;
  /** End of the last byte that may have left. */
  sent: number;
  /** The highest offset that an answer told. */
  promised: number;
  /** The last byte was sent as the last one, so a final answer may exist. */
  closing: boolean;
  /** A creation with all bytes in it went unanswered: the file may be there by an upload that nobody knows. */
  mayBeThere: boolean;
  /** A final answer was heard. */
  done: boolean;
}

/** What a client needs of one life of the server. */
export interface Life {
  readonly url: string;
  readonly packageId: string;
  /** The server is being killed: connections end. */
  dying: boolean;
  /** Aborted once it is dead. */
  readonly signal: AbortSignal;
  /** Bytes of which the server has taken note: answered ones, and pieces of a stream as they leave. */
  onBytes(count: number): void;
  complain(what: string): void;
}

export function createClients(count: number, random: Random): UploadClient[] {
  const clients: UploadClient[] = [];
  let last = { seed: 0, size: 0 };
  for (let i = 0; i < count; i++) {
    // Some contents come twice at once, so that one of the two is deduplicated while the other may be dying.
    if (!random.chance(0.1) || last.size > 4 * MIB) last = { seed: random.int(2 ** 31), size: sizeOf(i, random) };
    const content = bytesOf(last.seed, last.size) as Uint8Array<ArrayBuffer>;
    clients.push({
      path: `${random.pick(["a", "b c", "ü/é"])}/${i}`,
      content,
      sha256: sha256(content),
      random: createRandom(random.int(2 ** 31)),
      announce: { length: random.chance(0.5), digest: random.chance(0.5) },
      ...{ sent: 0, promised: 0, closing: false, mayBeThere: false, done: false },
    });
  }
  return clients;
}

/** The first, at times the second, is longer than the 32 MiB after which the server makes a checkpoint by itself. */
function sizeOf(index: number, random: Random): number {
  if (index === 0 || (index === 1 && random.chance(0.3))) return 33 * MIB + random.int(10 * MIB);
  const what = random.next();
  if (what < 0.06) return 0;
  if (what < 0.35) return random.int(64 * KIB);
  return random.int(what < 0.9 ? MIB : 4 * MIB);
}

/** Begins the upload, or goes on with it, to its end or the server's. */
export async function push(client: UploadClient, life: Life): Promise<void> {
  try {
    if (client.id === undefined) await begin(client, life);
    while (!client.done) await patch(client, life);
  } catch (error) {
    if (error instanceof Refused || !life.dying) life.complain(`${client.path} (${client.id}): ${String(error)}`);
  }
}

class Refused extends Error {}

/** HEAD after a restart: where the upload is, compared with what was told. */
export async function ask(client: UploadClient, life: Life): Promise<void> {
  const { id, path, promised, sent, content } = client;
  if (id === undefined) return;
  const response = await fetch(`${life.url}/uploads/${id}`, { method: "HEAD", signal: life.signal });
  const said = told(response);
  const seen = `HEAD says ${response.status}, offset ${said.offset}, complete ${said.complete}`;
  const knew = `promised ${promised}, sent ${sent} of ${content.length}, final ${client.done}`;
  const wrong = (what: string) => life.complain(`${path} (${id}): ${what}: ${seen}; ${knew}`);
  if (response.status !== 200) return wrong("the upload is lost");
  if (!Number.isSafeInteger(said.offset)) return wrong("no offset");
  if (said.offset < promised) wrong("acknowledged bytes are lost");
  if (said.offset > sent) wrong("the offset is beyond what was sent");
  if (client.done && !said.complete) wrong("a final answer is taken back");
  if (said.complete && (!client.closing || said.offset !== content.length)) wrong("complete too early");
  client.promised = said.offset;
  client.done = said.complete;
}

async function begin(client: UploadClient, life: Life): Promise<void> {
  const { content, announce, path, random } = client;
  const style = random.pick(["empty", "empty", "some", "whole"] as const);
  const length = style === "empty" ? 0 : style === "some" ? random.int(content.length + 1) : content.length;
  const complete = style === "whole";
  const query = new URLSearchParams({ package_id: life.packageId, path });
  // What an earlier creation sent belongs to an upload that nobody knows; this one is new.
  Object.assign(client, { mayBeThere: client.mayBeThere || client.closing, sent: length, closing: complete });
  const response = await fetch(`${life.url}/uploads?${query}`, {
    method: "POST",
    headers: {
      "content-type": "application/octet-stream",
      "upload-complete": complete ? "?1" : "?0",
      ...(announce.length ? { "upload-length": String(content.length) } : {}),
      ...(announce.digest ? { "repr-digest": digestOf(content) } : {}),
    },
    body: content.subarray(0, length),
    signal: life.signal,
  });
  const said = told(response);
  if (response.status !== 201) return await refused(client, response);
  await response.arrayBuffer();
  client.id = response.headers.get("location")?.split("/").pop() ?? "";
  if (said.offset !== length || said.complete !== complete) {
    life.complain(`${path}: created with ${length} bytes and told ${said.offset}, complete ${said.complete}`);
  }
  client.promised = said.offset;
  client.done = said.complete;
  life.onBytes(length);
}

async function patch(client: UploadClient, life: Life): Promise<void> {
  const { content, id, path, random, promised: from } = client;
  const rest = content.length - from;
  const piece = random.chance(0.3) ? rest : Math.min(rest, random.int(Math.max(64 * KIB, rest)));
  // Large ones in one request, so that the server's own checkpoints are all there is.
  const length = rest > 8 * MIB && random.chance(0.7) ? rest : piece;
  const complete = length === rest && (rest === 0 || random.chance(0.8));
  const to = from + length;
  if (complete) client.closing = true;
  const streamed = length > 4 * MIB;
  if (!streamed) client.sent = Math.max(client.sent, to);
  const response = await fetch(`${life.url}/uploads/${id}`, {
    method: "PATCH",
    headers: { "content-type": PARTIAL, "upload-offset": String(from), "upload-complete": complete ? "?1" : "?0" },
    body: streamed ? streamOf(client, life, from, to) : content.subarray(from, to),
    signal: life.signal,
  });
  const said = told(response);
  if (response.status !== (complete ? 200 : 204)) return await refused(client, response);
  await response.arrayBuffer();
  if (said.offset !== to || said.complete !== complete) {
    life.complain(`${path} (${id}): sent up to ${to} and was told ${said.offset}, complete ${said.complete}`);
  }
  client.promised = said.offset;
  client.done = said.complete;
  if (!streamed) life.onBytes(length);
}

/** Right only where an unanswered creation has brought the file already; reading it back shows whether it has. */
async function refused(client: UploadClient, response: Response): Promise<void> {
  const text = await response.text();
  if (client.mayBeThere && response.status === 409 && text.includes("path_exists")) client.done = true;
  else throw new Refused(`refused at ${client.promised} of ${client.content.length}: ${response.status} ${text}`);
}

function streamOf(client: UploadClient, life: Life, from: number, to: number): ReadableStream<Uint8Array> {
  let at = from;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (at === to) return controller.close();
      const end = Math.min(to, at + 256 * KIB);
      client.sent = Math.max(client.sent, end);
      life.onBytes(end - at);
      controller.enqueue(client.content.subarray(at, end));
      at = end;
    },
  });
}

function told({ headers }: Response): { readonly offset: number; readonly complete: boolean } {
  const offset = headers.get("upload-offset");
  return { offset: offset === null ? Number.NaN : Number(offset), complete: headers.get("upload-complete") === "?1" };
}

const digestOf = (content: Uint8Array) => `sha-256=:${createHash("sha256").update(content).digest("base64")}:`;

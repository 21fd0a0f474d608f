/** Requests below `/v2/`, as clients send them, and what is said of an upload under way. */
import type { Content } from "./oci_content.ts";
import type { Random } from "./rig.ts";

/** What no server may do, whether it is being killed or not. */
export class Wrong extends Error {}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  /** What was asked, and what came. */
  readonly told: string;
}

export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
  /** Ends this request alone. */
  readonly signal?: AbortSignal;
}

/** One life of a server. */
export class Door {
  /** It is being killed: connections end. */
  dying = false;
  requests = 0;
  readonly url: string;
  readonly #dead = new AbortController();

  constructor(url: string) {
    this.url = url;
  }

  /** It is dead: what is still open ends. */
  close(): void {
    this.#dead.abort();
  }

  /** @throws {Wrong} 5xx, a body of another length than was told, a body for HEAD */
  async ask(method: string, path: string, { headers = {}, body, signal }: Ask = {}): Promise<Answer> {
    this.requests += 1;
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers,
      redirect: "manual",
      signal: signal === undefined ? this.#dead.signal : AbortSignal.any([signal, this.#dead.signal]),
      ...(body !== undefined && { body }),
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const text = response.status < 400 ? "" : ` ${new TextDecoder().decode(bytes.subarray(0, 400)).trim()}`;
    const told = `${method} ${path}: ${response.status}${text}`;
    if (response.status >= 500) throw new Wrong(told);
    const length = response.headers.get("content-length");
    if (method === "GET" && length !== null && Number(length) !== bytes.length) {
      throw new Wrong(`${told}: ${bytes.length} bytes came, ${length} were told`);
    }
    return { status: response.status, headers: response.headers, bytes, told };
  }

  async json<T>(path: string): Promise<T> {
    const { status, bytes, told } = await this.ask("GET", path);
    if (status !== 200) throw new Wrong(told);
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  }

  /** All pages of a list, by its links. */
  async pages<T>(path: string, items: (page: Record<string, T[]>) => T[] | undefined): Promise<T[]> {
    const all: T[] = [];
    for (let next: string | undefined = path; next !== undefined; ) {
      const { status, headers, bytes, told } = await this.ask("GET", next);
      if (status !== 200) throw new Wrong(told);
      all.push(...(items(JSON.parse(new TextDecoder().decode(bytes))) ?? []));
      next = /^<([^>]+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
    }
    return all;
  }
}

export function expect(answer: Answer, ...statuses: readonly number[]): Answer {
  if (!statuses.includes(answer.status)) throw new Wrong(`${answer.told} (expected was ${statuses.join(" or ")})`);
  return answer;
}

/** An upload that has its `Location`. */
export interface Upload {
  readonly repository: string;
  readonly content: Content;
  /** That it is to be ended with. */
  readonly digest: string;
  readonly location: string;
  /** End of the last byte that may have left. */
  sent: number;
  /** The highest offset that an answer told. */
  promised: number;
  /** What ends it may have arrived: bytes and digest, a wrong digest, a cancellation. */
  closing: boolean;
  /** The PUT with its digest may have. */
  complete: boolean;
  /** A connection was cut: bytes of that request may still arrive, so what follows says where it belongs. */
  cut: boolean;
}

export async function beginUpload(door: Door, repository: string, content: Content, digest: string): Promise<Upload> {
  const algorithm = digest.startsWith("sha512") ? "?digest-algorithm=sha512" : "";
  const answer = expect(await door.ask("POST", `/v2/${repository}/blobs/uploads/${algorithm}`), 202);
  return uploadOf(answer, repository, content, digest);
}

/** @throws {Wrong} without a `Location` in this repository */
export function uploadOf({ headers, told }: Answer, repository: string, content: Content, digest: string): Upload {
  const location = new URL(headers.get("location") ?? "", "http://nowhere").pathname;
  if (!location.startsWith(`/v2/${repository}/blobs/uploads/`)) throw new Wrong(`${told}: Location is ${location}`);
  return { repository, content, digest, location, sent: 0, promised: 0, closing: false, complete: false, cut: false };
}

/** Bytes that are there. `0-0` says one or none: uploads here have never just one. */
function offsetOf({ headers, told }: Answer): number {
  const last = /^0-(\d+)$/.exec(headers.get("range") ?? "")?.[1];
  if (last === undefined) throw new Wrong(`${told}: Range is ${headers.get("range")}`);
  return last === "0" ? 0 : Number(last) + 1;
}

/**
 * Bytes up to `to` in one request, streamed or not. `Content-Range` says where they belong, but for streams of uploads
 * that were never cut. @throws {Wrong}
 */
export async function patch(door: Door, upload: Upload, to: number, streamed: boolean, signal?: AbortSignal) {
  const from = upload.promised;
  const bytes = upload.content.bytes();
  if (!streamed) upload.sent = Math.max(upload.sent, to);
  const answer = await door.ask("PATCH", upload.location, {
    headers: {
      "content-type": "application/octet-stream",
      ...(streamed && !upload.cut ? {} : { "content-range": `${from}-${to - 1}` }),
    },
    body: streamed ? streamOf(upload, bytes, from, to) : bytes.subarray(from, to),
    ...(signal !== undefined && { signal }),
  });
  if (upload.cut && isElsewhere(answer)) return void (await where(door, upload));
  const offset = offsetOf(expect(answer, 202));
  if (offset !== to) throw new Wrong(`${answer.told}: ${to} bytes were sent, and ${offset} are there`);
  upload.promised = offset;
}

/** The cut request came to life after it was asked where the upload is, and was there first, or took it over. */
const isElsewhere = ({ status }: Answer) => status === 416 || status === 409;

function streamOf(upload: Upload, bytes: Uint8Array, from: number, to: number): ReadableStream<Uint8Array> {
  let at = from;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at === to) return controller.close();
      const end = Math.min(to, at + 64 * 1024);
      upload.sent = Math.max(upload.sent, end);
      controller.enqueue(bytes.subarray(at, end));
      at = end;
    },
  });
}

/** The PUT, with all bytes that are not there yet. */
export async function close(door: Door, upload: Upload): Promise<Answer> {
  const { content, promised, location, digest } = upload;
  const rest = content.bytes().subarray(promised);
  Object.assign(upload, { closing: true, complete: true, sent: content.size });
  return await door.ask("PUT", `${location}?digest=${digest}`, {
    headers: {
      "content-type": "application/octet-stream",
      ...(rest.length > 0 && (promised > 0 || upload.cut)
        ? { "content-range": `${promised}-${content.size - 1}` }
        : {}),
    },
    ...(rest.length > 0 && { body: rest }),
  });
}

/** Where it is, or `undefined` where it is no upload (any more). @throws {Wrong} for an offset that cannot be */
export async function where(door: Door, upload: Upload): Promise<number | undefined> {
  const answer = expect(await door.ask("GET", upload.location), 204, 404);
  if (answer.status === 404) return undefined;
  const offset = offsetOf(answer);
  const { promised, sent } = upload;
  if (offset < promised || offset > sent) {
    throw new Wrong(`${answer.told}: it stands at ${offset}; promised was ${promised}, sent were ${sent} bytes`);
  }
  upload.promised = offset;
  return offset;
}

/** To its end, in pieces of any size. Answers the last one, of the PUT. */
export async function goOn(door: Door, upload: Upload, random: Random): Promise<Answer> {
  const { content } = upload;
  const streamed = random.chance(0.4);
  while (upload.promised < content.size && random.chance(0.7)) {
    const rest = content.size - upload.promised;
    const piece = streamed || random.chance(0.3) ? rest : 1 + random.int(rest);
    // Never just one byte in all: see `offsetOf`.
    await patch(door, upload, Math.min(content.size, Math.max(2, upload.promised + piece)), streamed);
  }
  for (;;) {
    const answer = await close(door, upload);
    if (!upload.cut || !isElsewhere(answer)) return answer;
    await where(door, upload);
  }
}

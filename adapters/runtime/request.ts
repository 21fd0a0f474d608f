/** `node:http`'s request as a web `Request`. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { ChunkPool } from "../../core/base/chunk_pool.ts";
import { RegistryError } from "../../core/base/errors.ts";
import type { Gate } from "./gate.ts";

/** A request that no `Request` can be made of. */
export class Unreadable extends Error {
  readonly status: 400 | 431;
  constructor(status: 400 | 431) {
    super("not a request");
    this.status = status;
  }
}

/** Bytes taken from the system before the application asks for them. */
const READ_AHEAD = 256 * 1024;

export interface Incoming {
  readonly message: IncomingMessage;
  readonly scheme: "http" | "https";
  /** For HTTP/1.0 without a Host. */
  readonly fallbackHost: string;
  readonly signal: AbortSignal;
  readonly gate: Gate;
  /** Bytes of request line and headers. */
  readonly maxHead: number;
  /** Adopts what comes. */
  readonly chunks: ChunkPool | undefined;
  /** The application asks for the body. */
  onBodyWanted(): void;
}

export interface Read {
  readonly request: Request;
  readonly headerCount: number;
  readonly headerBytes: number;
  /** Nobody reads the body any more: what still comes is thrown away. */
  drop(): void;
}

/** @throws {Unreadable}; `TypeError` where what was asked for is no URL */
export function readRequest(incoming: Incoming): Read {
  const { message, scheme, fallbackHost, signal } = incoming;
  const method = message.method ?? "GET";
  // `new Request` refuses them. Nobody serves them, but a 405 has to say what is allowed (RFC 9110, section 15.5.6).
  const forbidden = method === "CONNECT" || method === "TRACE" || method === "TRACK";
  // Some parsers let others pass, as if they had been asked in 1.1.
  if (message.httpVersion !== "1.1" && message.httpVersion !== "1.0") throw new Unreadable(400);
  const headers = new Headers();
  let hosts = 0;
  let headerBytes = 0;
  const { rawHeaders } = message;
  const headerCount = rawHeaders.length / 2;
  // Parsers count differently, some without the four bytes between: many empty headers would pass.
  if (headerCount * 4 > incoming.maxHead) throw new Unreadable(431);
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    headerBytes += name.length + (rawHeaders[at + 1] as string).length;
    if (name.length === 4 && name.toLowerCase() === "host") hosts++;
    headers.append(name, rawHeaders[at + 1] as string);
  }
  // RFC 9112, section 3.2.
  if (hosts > 1 || (hosts === 0 && message.httpVersion !== "1.0")) throw new Unreadable(400);
  const { authority, path } = readTarget(message.url ?? "");
  if (authority !== undefined) headers.set("host", authority);
  const url = `${scheme}://${authority ?? headers.get("host") ?? fallbackHost}${path}`;
  const body = method !== "GET" && method !== "HEAD" && !forbidden && hasBody(message) ? bodyOf(incoming) : undefined;
  const init = { method: forbidden ? "GET" : method, headers, ...(body && { body: body.stream, duplex: "half" }) };
  // Throws where the URL is none.
  const request = new Request(url, init as RequestInit);
  if (forbidden) Object.defineProperty(request, "method", { value: method });
  // Itself, not the copy that the constructor would make: Deno may collect that one before it is told (2.9.6).
  Object.defineProperty(request, "signal", { value: signal });
  return {
    request,
    headerCount,
    headerBytes,
    drop: () => body?.drop(),
  };
}

/** RFC 9112, section 6.3: a request has a body when it says so. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

const DOT_SEGMENT = /(^|\/)(\.|%2e){1,2}(\/|$)/i;

/**
 * Path and query as they were sent, and the authority of an absolute form, which counts instead of Host (RFC 9112,
 * section 3.2.2). Dot segments are refused: `new URL` resolves them, and a file would be stored under another name.
 */
function readTarget(target: string): { readonly authority?: string; readonly path: string } {
  const [, authority, path = ""] = /^(?:https?:\/\/([^/?#@\\]+))?(\/.*)$/i.exec(target) ?? [];
  const end = path.indexOf("?");
  const segments = end < 0 ? path : path.slice(0, end);
  // Anything but printable ASCII has to come percent-encoded; `#` never reaches a server, `\` is a slash to some.
  if (!/^[!-~]+$/.test(path) || /[#\\]/.test(segments) || path.includes("#") || DOT_SEGMENT.test(segments)) {
    throw new Unreadable(400);
  }
  return { path, ...(authority !== undefined && { authority }) };
}

function bodyOf({ message, gate, chunks, onBodyWanted }: Incoming) {
  let over = false;
  let drop = () => {};
  const strategy = { highWaterMark: 0, size: (chunk?: Uint8Array) => chunk?.byteLength ?? 0 };
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const fail = (cause?: unknown) => {
          if (over) return;
          over = true;
          const reason = "The request ended before its body did";
          controller.error(new RegistryError("cancelled", reason, {}, cause));
        };
        message.on("data", (chunk: Uint8Array) => {
          gate.moved(chunk.byteLength);
          if (over) return;
          // Not a Buffer: its slice() would share memory where everybody expects a copy.
          const own = new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength);
          chunks?.adopt(own);
          controller.enqueue(own);
          if ((controller.desiredSize ?? 0) < -READ_AHEAD) message.pause();
        });
        message.on("end", () => {
          gate.moved(0);
          if (over) return;
          over = true;
          controller.close();
        });
        message.on("error", fail);
        message.on("close", () => fail());
        drop = () => {
          gate.moved(0);
          fail();
        };
        message.pause();
      },
      pull() {
        onBodyWanted();
        gate.wait();
        message.resume();
      },
      cancel() {
        over = true;
        gate.moved(0);
      },
    },
    strategy,
  );
  return { stream, drop: () => drop() };
}

/** Without the mapping of IPv4 into IPv6 that a socket on `::` shows. */
export function addressOf(socket: Socket): string {
  const address = socket.remoteAddress ?? "";
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice("::ffff:".length) : address;
}

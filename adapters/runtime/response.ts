/** A web `Response` through `node:http`, with its Content-Length kept and never a wrong end. */
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Answer } from "../../core/spi/runtime.ts";
import type { Gate } from "./gate.ts";

export interface Outgoing {
  readonly message: ServerResponse;
  readonly method: string;
  readonly gate: Gate;
  /** The connection is not used again. */
  readonly close: boolean;
  /** Called with the bytes of body handed to the system. */
  onSent(bytes: number): void;
  /** Called with a chunk that nobody of us looks at any more. */
  onWritten?: ((chunk: Uint8Array) => void) | undefined;
  /** Runs after the last byte is written; the answer ends when it resolves, or at once. */
  beforeEnd(): Promise<void> | undefined;
}

/** @throws where its Content-Length is not its length; the caller cuts the connection */
export function sendAnswer({ status, headers, body }: Answer, outgoing: Outgoing): void | Promise<void> {
  const { message, method, close } = outgoing;
  const sent: OutgoingHttpHeaders = headers;
  if (close) sent.connection = "close";
  if (mayHaveBody(method, status)) {
    const bytes = body ?? EMPTY;
    const announced = numberOf(sent["content-length"]) ?? bytes.length;
    sent["content-length"] = announced;
    if (body !== null) return sendWhole(status, sent, body, announced, outgoing);
    if (announced !== 0) throw wrongLength(0, announced);
  }
  message.writeHead(status, sent);
  return end(outgoing);
}

const EMPTY = new Uint8Array();

/** RFC 9110, sections 9.3.2, 15.3.5 and 15.4.5. */
const mayHaveBody = (method: string, status: number) => method !== "HEAD" && status !== 204 && status !== 304;

/** @throws what the stream of the response throws; the caller cuts the connection */
export async function sendResponse(response: Response, outgoing: Outgoing): Promise<void> {
  const { message, method, close } = outgoing;
  const headers = headersOf(response.headers);
  if (close) headers.connection = "close";
  const { status } = response;
  const announced = numberOf(headers["content-length"]);
  const withBody = mayHaveBody(method, status);
  // Before `body` is touched, which makes a stream of what may be plain bytes.
  if (withBody && announced !== undefined && announced <= SMALL) {
    return await sendSmall(response, outgoing, headers, announced);
  }
  const { body } = response;
  if (body === null || !withBody) {
    if (body === null && withBody) headers["content-length"] = 0;
    message.writeHead(status, headers);
    if (body !== null) body.cancel().catch(() => {});
    return await end(outgoing);
  }
  const reader = body.getReader();
  const gone = () => void reader.cancel().catch(() => {});
  message.once("close", gone);
  try {
    if (message.destroyed) return gone();
    const first = reader.read();
    // A body that was at hand is sent in one piece, with its length, even where nobody told it.
    const early = await Promise.race([first, turn()]);
    if (early?.done === false && headers["content-length"] === undefined) {
      const second = reader.read();
      const after = await Promise.race([second, turn()]);
      if (after?.done === true) headers["content-length"] = early.value.byteLength;
      message.writeHead(status, headers);
      await pump(outgoing, reader, [first, second], numberOf(headers["content-length"]));
    } else {
      if (early?.done === true) headers["content-length"] ??= 0;
      message.writeHead(status, headers);
      if (early === undefined) message.flushHeaders();
      await pump(outgoing, reader, [first], numberOf(headers["content-length"]));
    }
  } catch (error) {
    gone();
    throw error;
  } finally {
    message.off("close", gone);
  }
}

/** Bytes of a body that is read whole before anything is sent, and sent in one piece. */
const SMALL = 64 * 1024;

async function sendSmall(response: Response, outgoing: Outgoing, headers: OutgoingHttpHeaders, length: number) {
  const body = await response.bytes();
  if (!outgoing.message.destroyed) await sendWhole(response.status, headers, body, length, outgoing);
}

function sendWhole(
  status: number,
  headers: OutgoingHttpHeaders,
  body: Uint8Array,
  announced: number,
  outgoing: Outgoing,
): void | Promise<void> {
  const { message, gate } = outgoing;
  if (body.length !== announced) throw wrongLength(body.length, announced);
  message.writeHead(status, headers);
  outgoing.onSent(announced);
  gate.wait();
  const ready = outgoing.beforeEnd();
  if (ready === undefined) return void message.end(body);
  message.write(body);
  return ready.then(() => void message.end());
}

const wrongLength = (length: number, announced: number) =>
  new Error(`A body has ${length} bytes, its Content-Length is ${announced}`);

type Read = Promise<{ done: boolean; value?: Uint8Array | undefined }>;

async function pump(
  outgoing: Outgoing,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  begun: Read[],
  length: number | undefined,
): Promise<void> {
  const { message, gate, onWritten } = outgoing;
  let sent = 0;
  for (;;) {
    const { done, value } = await (begun.shift() ?? (reader.read() as Read));
    if (message.destroyed) return;
    if (done) break;
    if (value === undefined || value.byteLength === 0) continue;
    sent += value.byteLength;
    if (length !== undefined && sent > length) throw new Error(`A body is longer than its Content-Length of ${length}`);
    if (!message.write(value, (error) => error ?? onWritten?.(value))) {
      gate.wait();
      await drained(message);
    }
    gate.moved(value.byteLength);
    outgoing.onSent(value.byteLength);
  }
  if (length !== undefined && sent !== length) {
    throw new Error(`A body ended after ${sent} bytes, its Content-Length is ${length}`);
  }
  await end(outgoing);
}

function end({ message, gate, beforeEnd }: Outgoing): void | Promise<void> {
  const close = () => {
    gate.wait();
    message.end();
  };
  const ready = beforeEnd();
  return ready === undefined ? close() : ready.then(close);
}

function drained(message: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      message.off("drain", done);
      message.off("close", done);
      resolve();
    };
    message.on("drain", done);
    message.on("close", done);
  });
}

const turn = (): Promise<undefined> => new Promise((resolve) => setImmediate(resolve, undefined));

const numberOf = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value));

function headersOf(headers: Headers): OutgoingHttpHeaders {
  const found: OutgoingHttpHeaders = {};
  for (const [name, value] of headers) if (name !== "set-cookie") found[name] = value;
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) found["set-cookie"] = cookies;
  return found;
}

/** One request and its answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Finished, Refusal, RefusalStatus, ServeOptions } from "../../core/spi/runtime.ts";
import { createGate } from "./gate.ts";
import { addressOf, hasBody, type Read, readRequest, Unreadable } from "./request.ts";
import { type Outgoing, sendAnswer, sendResponse } from "./response.ts";
import type { Settings } from "./settings.ts";

/** What is read of a body that nobody wanted, so that a client which is still sending sees the answer. */
const LINGER_BYTES = 64 * 1024 * 1024;
const LINGER_MS = 5_000;
/** What the system may hold ready for a reader without our knowing how much of it was read. */
const SYSTEM_BUFFER = 4 * 1024 * 1024;

export interface Exchange {
  readonly socket: Socket;
  /** Called every now and then: ends it when a limit of time has passed. */
  check(): void;
  /** Answers with a refusal if nothing was answered yet, and ends the connection in any case. */
  giveUp(status: RefusalStatus): void;
}

export interface ExchangeContext {
  readonly options: ServeOptions;
  readonly settings: Settings;
  readonly encrypted: boolean;
  readonly refuse: (status: RefusalStatus) => Refusal;
  draining(): boolean;
}

/** Begins it. `over` is called once, when the connection is free again or gone. */
export function beginExchange(
  message: IncomingMessage,
  outgoing: ServerResponse,
  context: ExchangeContext,
  expectsContinue: boolean,
  over: () => void,
): Exchange {
  const { options, settings, encrypted, refuse } = context;
  const { socket } = message;
  const upload = createGate(settings.minRate, settings.minRateWindow);
  const download = createGate(settings.minRate, settings.minRateWindow, SYSTEM_BUFFER);
  const abort = new AbortController();
  let bytes = 0;
  let answered = false;
  let gaveUp = false;
  let continued = !expectsContinue;
  let writeSince: number | undefined;
  // Most requests have no body, and then nothing has to be read of what would tell its type.
  const isJson = () => /^application\/json\b/i.test(message.headers["content-type"] ?? "");
  const jsonSince = message.method !== "GET" && message.method !== "HEAD" && isJson() ? performance.now() : undefined;
  let settle: (finished: Finished) => void = () => {};
  const finished = new Promise<Finished>((resolve) => {
    settle = resolve;
  });

  outgoing.on("error", () => {});
  outgoing.on("close", () => {
    const whole = outgoing.writableFinished && !gaveUp;
    download.moved(0);
    if (!whole) abort.abort(new DOMException("The connection ended before the answer did", "AbortError"));
    settle({ bytes, whole });
    over();
  });

  const giveUp = (status: RefusalStatus) => {
    const silent = answered;
    answered = gaveUp = true;
    // Whoever works on it stops: a body that a half-closed connection cut short would never end by itself.
    abort.abort(new DOMException("The exchange was given up", "AbortError"));
    if (silent || outgoing.headersSent) return void socket.destroy();
    const { headers, body } = refuse(status);
    const length = Buffer.byteLength(body);
    outgoing.writeHead(status, { ...headers, connection: "close", "content-length": length });
    outgoing.end(body, () => socket.destroySoon());
  };

  const fail = (error: unknown) => {
    // Whoever hangs up gets no answer, and that is no failure of ours.
    if (abort.signal.aborted || outgoing.destroyed) return;
    options.onError?.(error);
    giveUp(500);
  };

  async function run(): Promise<void> {
    let read: Read;
    try {
      read = readRequest({
        message,
        scheme: encrypted ? "https" : "http",
        fallbackHost: options.hostname.includes(":") ? `[${options.hostname}]` : options.hostname,
        signal: abort.signal,
        gate: upload,
        maxHead: settings.maxHeadBytes,
        chunks: options.chunks,
        onBodyWanted() {
          if (!continued) outgoing.writeContinue();
          continued = true;
        },
      });
    } catch (error) {
      return giveUp(error instanceof Unreadable ? error.status : 400);
    }
    const { request, headerCount, headerBytes, drop } = read;
    const response = await options.fetch(request, {
      ip: addressOf(socket),
      encrypted,
      headerCount,
      headerBytes,
      finished,
    });
    if (answered || outgoing.destroyed) {
      if (response instanceof Response) response.body?.cancel().catch(() => {});
      return;
    }
    answered = true;
    writeSince = performance.now();
    const unread = () => !message.complete && hasBody(message);
    const way: Outgoing = {
      message: outgoing,
      method: message.method ?? "GET",
      gate: download,
      close: context.draining() || unread() || message.httpVersion === "1.0",
      onSent(count) {
        bytes += count;
      },
      onWritten: options.chunks && ((chunk) => options.chunks?.giveBack(chunk)),
      // A client that was never told to go on sends nothing.
      beforeEnd() {
        if (!unread() || !continued) return undefined;
        drop();
        return discard(message);
      },
    };
    await (response instanceof Response ? sendResponse(response, way) : sendAnswer(response, way));
  }
  run().catch(fail);

  return {
    socket,
    giveUp,
    check() {
      const slow = settings.read > 0 && jsonSince !== undefined && performance.now() - jsonSince > settings.read;
      if (upload.expired() || (slow && !message.complete)) giveUp(408);
      const late = settings.write > 0 && writeSince !== undefined && performance.now() - writeSince > settings.write;
      if (late || download.expired()) socket.destroy();
    },
  };
}

/** Reads on for a while: a connection that is closed over unread bytes is reset, and the answer with it. */
function discard(message: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let left = LINGER_BYTES;
    const done = () => {
      clearTimeout(timer);
      message.off("data", onData);
      for (const event of ["end", "error", "close"]) message.off(event, done);
      resolve();
    };
    const onData = (chunk: Uint8Array) => {
      left -= chunk.byteLength;
      if (left < 0) done();
    };
    const timer = setTimeout(done, LINGER_MS);
    message.on("data", onData);
    for (const event of ["end", "error", "close"]) message.on(event, done);
    message.resume();
  });
}

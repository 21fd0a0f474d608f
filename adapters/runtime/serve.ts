/**
 * `Runtime.serve()` over `node:http`, which Bun, Deno and Node all have (ADR-0015): one parser's strictness, one set
 * of clocks, and streams that keep their Content-Length.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import type { Certificate, Listening, Refusal, RefusalStatus, ServeOptions } from "../../core/spi/runtime.ts";
import { createConnections } from "./connections.ts";
import { beginExchange, type Exchange } from "./exchange.ts";
import { settingsOf } from "./settings.ts";

/** A server that decrypts. `http` tells requests and connections, `listener` is what listens; they may be one. */
export interface SecureServer {
  readonly http: Server;
  readonly listener: NetServer;
  replace(pair: Certificate): void;
}

/** `handshake` in milliseconds. Throws when certificate and key do not fit each other. */
export type CreateSecureServer = (pair: Certificate, options: object, handshake: number) => SecureServer;

/** `loadSecureServer` is asked only where there is TLS to serve. */
export async function serve(
  options: ServeOptions,
  loadSecureServer: () => Promise<CreateSecureServer>,
): Promise<Listening> {
  const settings = settingsOf(options);
  const refuse = (status: RefusalStatus): Refusal => options.refuse?.(status) ?? { headers: {}, body: "" };
  const tick = tickOf(settings);
  // The clocks are ours. But on Bun a plain connection does not say that its next request has begun (1.4.4), so that
  // the clock of headers runs there too.
  const limits = {
    maxHeaderSize: settings.maxHeadBytes,
    requestTimeout: 0,
    headersTimeout: settings.read,
    connectionsCheckingInterval: tick,
    keepAliveTimeout: 0,
    requireHostHeader: false,
  };
  const secure = options.tls && (await loadSecureServer())(options.tls, limits, settings.read);
  const http = secure?.http ?? createServer(limits);
  const listener = secure?.listener ?? http;
  // Those above the number that Node keeps would silently be dropped; the application counts them.
  http.maxHeadersCount = 0;

  const connections = createConnections(settings);
  const exchanges = new Set<Exchange>();
  let draining = false;
  let onOver = () => {};

  const context = { options, settings, encrypted: secure !== undefined, refuse, draining: () => draining };
  const onRequest = (message: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => {
    connections.begin(message.socket);
    const exchange = beginExchange(message, response, context, expectsContinue, () => {
      exchanges.delete(exchange);
      connections.end(message.socket);
      if (draining && !message.socket.destroyed) message.socket.destroySoon();
      onOver();
    });
    exchanges.add(exchange);
  };
  http.on("request", (message, response) => onRequest(message, response, false));
  http.on("checkContinue", (message, response) => onRequest(message, response, true));
  // Node would answer 417 by itself, without a word; to pass such a wish over is as right (RFC 9110, section 10.1.1).
  http.on("checkExpectation", (message, response) => onRequest(message, response, false));
  http.on(secure === undefined || secure.http !== secure.listener ? "connection" : "secureConnection", (socket) => {
    connections.add(socket as Socket);
  });
  http.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const status = refusalOf(error);
    const exchange = [...exchanges].find((one) => one.socket === socket);
    if (status === undefined) socket.destroy();
    else if (exchange !== undefined) exchange.giveUp(status);
    else refuseRaw(socket as Socket, status, refuse(status));
  });

  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(options.port, options.hostname, () => {
      listener.off("error", reject);
      resolve();
    });
  });
  // An error of accepting (no descriptors left) must not end the program.
  listener.on("error", (error) => options.onError?.(error));

  const clock = setInterval(() => {
    for (const exchange of [...exchanges]) exchange.check();
    const { idle, reading } = connections.late();
    for (const socket of idle) socket.destroySoon();
    for (const socket of reading) refuseRaw(socket, 408, refuse(408));
  }, tick);

  const { port } = listener.address() as AddressInfo;
  const host = options.hostname.includes(":") ? `[${options.hostname}]` : options.hostname;
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= new Promise<void>((resolve) => listener.close(() => resolve())).then(() => clearInterval(clock));
    return closed;
  };
  /** Resolves when each of these is over. */
  const over = (some: ReadonlySet<Exchange>) =>
    new Promise<void>((resolve) => {
      onOver = () => {
        for (const exchange of exchanges) if (some.has(exchange)) return;
        resolve();
      };
      onOver();
    });

  return {
    url: `${secure === undefined ? "http" : "https"}://${host}:${port}`,
    port,
    async stop(graceful) {
      draining = true;
      if (!graceful) {
        connections.closeAll();
        return await close();
      }
      connections.closeIdle();
      await over(new Set(exchanges));
      const ended = close();
      connections.closeIdle();
      // Answered above, so nothing is lost: what is left are connections that only now became idle.
      await over(new Set(exchanges));
      connections.closeIdle();
      await ended;
    },
    replaceCertificate(pair) {
      if (secure === undefined) throw new Error("This server has no TLS");
      secure.replace(pair);
    },
  };
}

/** The status for what the parser refused; none where the client just went. */
function refusalOf({ code = "" }: NodeJS.ErrnoException): RefusalStatus | undefined {
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return 408;
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return 413;
  return code.startsWith("HPE_") && code !== "HPE_INVALID_EOF_STATE" ? 400 : undefined;
}

function refuseRaw(socket: Socket, status: RefusalStatus, { headers, body }: Refusal): void {
  if (!socket.writable) return void socket.destroy();
  const lines = Object.entries({ ...headers, "content-length": Buffer.byteLength(body), connection: "close" });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`, () => socket.destroySoon());
}

/** Often enough to mean the shortest time. */
function tickOf({ read, idle, write, minRateWindow }: ReturnType<typeof settingsOf>): number {
  const shortest = Math.min(...[read, idle, write, minRateWindow].filter((time) => time > 0), 4_000);
  return Math.max(25, Math.floor(shortest / 4));
}

/**
 * TLS on Bun. Its `node:https` cannot take a new certificate while it runs (1.4.4), `node:tls` can: that one listens and
 * hands each connection to an HTTP server, which listens to nothing.
 */
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:tls";
import type { Certificate } from "../../core/spi/runtime.ts";

export function createBunSecureServer(pair: Certificate, options: object, handshake: number) {
  const common = { minVersion: "TLSv1.2" } as const;
  const http = createHttpServer(options);
  const listener = createServer(
    { ...common, ...pair, ALPNProtocols: ["http/1.1"], handshakeTimeout: handshake },
    (socket) => void http.emit("connection", socket),
  );
  listener.on("tlsClientError", (_error, socket) => socket.destroy());
  return {
    http,
    listener,
    replace: (next: Certificate) => listener.setSecureContext({ ...common, ...next }),
  };
}

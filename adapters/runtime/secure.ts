/** TLS on Deno and Node: `node:https`. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import type { Certificate } from "../../core/spi/runtime.ts";
import type { SecureServer } from "./serve.ts";

export function createHttpsServer(pair: Certificate, options: object, handshake: number): SecureServer {
  checkPair(pair);
  const common = { minVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] } as const;
  const server = createServer({ ...options, ...common, ...pair, handshakeTimeout: handshake });
  // Somebody who does not speak TLS, or does not go on.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return {
    http: server,
    listener: server,
    replace(next) {
      checkPair(next);
      server.setSecureContext({ minVersion: common.minVersion, ...next });
    },
  };
}

/** Deno takes any two texts, and would then refuse every connection. */
function checkPair({ cert, key }: Certificate): void {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new Error("the private key does not belong to the certificate");
  }
}

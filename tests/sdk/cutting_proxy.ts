/** A wire to a server that breaks where it is told to. */
import { connect, createServer, type Socket } from "node:net";

export interface CuttingProxy {
  readonly url: string;
  /** Connections that were cut so far. */
  readonly cuts: number;
  stop(): Promise<void>;
}

/** For each of `cuts` in turn: the connection that sends so many bytes to the server is reset, without a word to either. */
export async function cuttingProxy(port: number, cuts: readonly number[]): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let done = 0;
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    let sent = 0;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    upstream.pipe(client);
    client.on("data", (bytes) => {
      sent += bytes.length;
      const limit = cuts[done];
      if (limit !== undefined && sent >= limit) {
        done++;
        client.resetAndDestroy();
        upstream.resetAndDestroy();
        return;
      }
      if (!upstream.write(bytes)) {
        client.pause();
        upstream.once("drain", () => client.resume());
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    get cuts() {
      return done;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A wire to a server that breaks where it is told to. */
import { connect, createServer, type Socket } from "node:net";

export interface CuttingProxy {
  readonly url: string;
  /** Connections that were cut so far. */
  readonly cuts: number;
  stop(): Promise<void>;
}

/**
 * For each of `cuts` in turn: the connection that carries so many bytes of requests (or of answers) is reset, without a
 * word to either side.
 */
export async function cuttingProxy(
  port: number,
  cuts: readonly number[],
  of: "requests" | "answers" = "requests",
): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let done = 0;
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    const [from, to] = of === "requests" ? [client, upstream] : [upstream, client];
    to.pipe(from);
    let carried = 0;
    from.on("data", (bytes) => {
      carried += bytes.length;
      const limit = cuts[done];
      if (limit !== undefined && carried >= limit) {
        done++;
        client.resetAndDestroy();
        upstream.resetAndDestroy();
        return;
      }
      if (!to.write(bytes)) {
        from.pause();
        to.once("drain", () => from.resume());
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

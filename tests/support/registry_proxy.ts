/** A wire between PostgreSQL and its client that can be cut at COMMIT, before it or after it. */
import { connect, createServer, type Socket } from "node:net";

export type Cut = "before" | "after";

export interface CommitProxy {
  readonly url: string;
  /** The next COMMIT that passes: never reaches the server (`before`), or is done and its answer lost (`after`). */
  cutNext(cut: Cut): void;
  /** Commits that were cut so far. */
  readonly cuts: number;
  /** Takes no more connections, and takes them again: a server that stays away for a while. */
  leave(): void;
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}

const COMMIT = /commit\0/i;

export async function commitProxy(target: string): Promise<CommitProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let armed: Cut | undefined;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let deaf = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (bytes) => {
      if (armed === undefined || !COMMIT.test(bytes.toString("latin1"))) return void upstream.write(bytes);
      proxy.cuts++;
      const cut = armed;
      armed = undefined;
      if (cut === "before") return void client.destroy();
      deaf = true;
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      // The answer to COMMIT has come: it is durable, and the client will never hear of it.
      if (deaf) client.destroy();
      else client.write(bytes);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = new URL(target);
  url.port = String((server.address() as { port: number }).port);
  const proxy = {
    url: url.href,
    cuts: 0,
    leave: () => void server.close(),
    comeBack: () => new Promise<void>((done) => server.listen(Number(url.port), "127.0.0.1", done)),
    cutNext(cut: Cut) {
      armed = cut;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
  return proxy;
}

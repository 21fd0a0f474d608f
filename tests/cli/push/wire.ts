/** A wire between a client and a server that counts, stops, breaks, loses answers and changes bytes as it is told. */
import { connect, createServer, type Socket } from "node:net";

export interface Wire {
  readonly url: string;
  /** Bytes that were passed on to the server. */
  readonly sent: number;
  /** Answers that were lost on purpose. */
  readonly lost: number;
  /** Bytes that were changed on purpose. */
  readonly corrupted: number;
  /** Every connection is reset. */
  cut(): void;
  /** Nobody comes through until `up()`. */
  down(): void;
  up(): void;
  /** Resolves when so many more bytes were passed on; then nothing more is, until `release()`. */
  hold(after: number): Promise<void>;
  release(): void;
  /** Once for a request that begins like each of these: it gets through, and the connection is reset instead of its answer. */
  loseAnswers(...requests: readonly RegExp[]): void;
  /** Of the next chunk of so many bytes or more, one byte arrives as another. */
  corruptOnce(least: number): void;
  stop(): Promise<void>;
}

export async function layWire(serverPort: number): Promise<Wire> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const losing: RegExp[] = [];
  let [sent, lost, corrupted, least] = [0, 0, 0, Number.POSITIVE_INFINITY];
  let isDown = false;
  let holding: { at: number; reached(): void } | undefined;
  const resume: (() => void)[] = [];
  const cut = () => {
    for (const [client, upstream] of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  };

  const server = createServer((client) => {
    if (isDown) return void client.resetAndDestroy();
    const upstream = connect(serverPort, "127.0.0.1");
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.on("error", () => {});
      socket.on("close", () => {
        pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      });
    }
    let deaf = false;
    upstream.on("data", (bytes: Buffer) => {
      if (!deaf) return void client.write(bytes);
      lost += 1;
      client.resetAndDestroy();
      upstream.destroy();
    });
    client.on("data", (bytes: Buffer) => {
      const head = bytes.subarray(0, 500).toString("latin1");
      const which = losing.findIndex((request) => request.test(head));
      if (which >= 0) {
        losing.splice(which, 1);
        deaf = true;
      }
      if (bytes.length >= least) {
        least = Number.POSITIVE_INFINITY;
        corrupted += 1;
        const at = bytes.length - 100;
        bytes[at] = (bytes[at] as number) ^ 1;
      }
      sent += bytes.length;
      if (!upstream.write(bytes)) {
        client.pause();
        upstream.once("drain", () => client.resume());
      }
      if (holding !== undefined && sent >= holding.at) {
        holding.reached();
        client.pause();
        resume.push(() => client.resume());
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    get sent() {
      return sent;
    },
    get lost() {
      return lost;
    },
    get corrupted() {
      return corrupted;
    },
    cut,
    down() {
      isDown = true;
      cut();
    },
    up() {
      isDown = false;
    },
    hold: (after) =>
      new Promise((reached) => {
        holding = { at: sent + after, reached };
      }),
    release() {
      holding = undefined;
      for (const go of resume.splice(0)) go();
    },
    loseAnswers: (...requests) => void losing.push(...requests),
    corruptOnce(atLeast) {
      least = atLeast;
    },
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

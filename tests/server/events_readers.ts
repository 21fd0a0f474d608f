/** Clients of the feed over plain sockets: a thousand at once, which a runtime's own fetch does not allow. */
import { connect, type Socket } from "node:net";

/** What a reader saw: sequences in the order in which they came. */
export interface Reader {
  readonly seen: readonly number[];
  /** Resolves once `count` have come; rejects when the server closes before. */
  has(count: number): Promise<void>;
  close(): void;
}

interface Progress {
  readonly seen: number[];
  notify(): void;
  fail(reason: string): void;
  readonly has: Reader["has"];
}

function progress(): Progress {
  const seen: number[] = [];
  const waiting = new Set<{ count: number; resolve(): void; reject(error: Error): void }>();
  return {
    seen,
    notify() {
      for (const one of waiting) {
        if (seen.length < one.count) continue;
        waiting.delete(one);
        one.resolve();
      }
    },
    fail(reason) {
      for (const one of waiting) one.reject(new Error(`${reason} after ${seen.length} events`));
      waiting.clear();
    },
    has: (count) =>
      new Promise((resolve, reject) => {
        if (seen.length >= count) resolve();
        else waiting.add({ count, resolve, reject });
      }),
  };
}

const request = (path: string, accept: string) =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\n\r\n`;

/** Reads the stream. Chunk sizes of the transfer coding stand on lines of their own, between frames or inside of them. */
export function streamReader(port: number, since: number): Reader {
  const { seen, notify, fail, has } = progress();
  const socket = connect(port, "127.0.0.1", () => socket.write(request(`/events?since=${since}`, "text/event-stream")));
  let head = true;
  let raw = "";
  let text = "";
  socket.on("data", (data) => {
    raw += data.toString("latin1");
    if (head) {
      const end = raw.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!raw.startsWith("HTTP/1.1 200 ")) throw new Error(raw);
      head = false;
      raw = raw.slice(end + 4);
    }
    for (;;) {
      const line = raw.indexOf("\r\n");
      const size = line < 0 ? Number.NaN : Number.parseInt(raw.slice(0, line), 16);
      if (Number.isNaN(size) || raw.length < line + 2 + size + 2) break;
      text += raw.slice(line + 2, line + 2 + size);
      raw = raw.slice(line + 2 + size + 2);
    }
    const end = text.lastIndexOf("\n\n") + 2;
    for (const [, id, data] of text.slice(0, end).matchAll(/^id: (\d+)\n(?:event: .*\ndata: (.*)\n)?/gm)) {
      if (data === undefined) continue;
      if (!data.startsWith("{") || !data.endsWith("}")) throw new Error(`half an event: ${data}`);
      seen.push(Number(id));
    }
    text = text.slice(end);
    notify();
  });
  socket.on("error", () => {});
  socket.on("close", () => fail("the stream ended"));
  return { seen, has, close: () => void socket.destroy() };
}

/** Long-polls over one connection, one request after the other. */
export function pollReader(port: number, since: number): Reader {
  const { seen, notify, fail, has } = progress();
  let next = since;
  const ask = () => socket.write(request(`/events?since=${next}&wait=60&limit=1000`, "application/json"));
  const socket: Socket = connect(port, "127.0.0.1", ask);
  let raw = "";
  socket.on("data", (data) => {
    raw += data.toString("latin1");
    const end = raw.indexOf("\r\n\r\n");
    const length = Number(/^content-length: (\d+)/im.exec(raw.slice(0, Math.max(0, end)))?.[1] ?? Number.NaN);
    if (end < 0 || !(raw.length >= end + 4 + length)) return;
    if (!raw.startsWith("HTTP/1.1 200 ")) throw new Error(raw);
    const page = JSON.parse(raw.slice(end + 4, end + 4 + length));
    raw = raw.slice(end + 4 + length);
    for (const event of page.events) seen.push(event.sequence);
    next = page.last_sequence;
    ask();
    notify();
  });
  socket.on("error", () => {});
  socket.on("close", () => fail("the connection ended"));
  return { seen, has, close: () => void socket.destroy() };
}

/** Servers in processes of their own, on each runtime, and clients that write bytes as they please. */
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MODULES = `${ROOT}node_modules/`;
export const RUNTIMES: Readonly<Record<"bun" | "deno" | "node", readonly string[]>> = {
  bun: [process.execPath],
  deno: [`${MODULES}.bin/deno`, "run", "-A", "--no-lock"],
  node: [`${MODULES}node/bin/node`],
};

export type Line = Readonly<Record<string, unknown>>;

const running: Bun.Subprocess[] = [];
/** For `afterEach()` of the file itself: a hook that a shared module registers belongs to whoever loads it first. */
export async function stopServers(): Promise<void> {
  for (const child of running.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
}

export interface Server {
  readonly child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly port: number;
  readonly url: string;
  /** The next line that it says, parsed. */
  line(): Promise<Line>;
}

/** Starts a script, whose first line tells `url` and `port`. It runs until `stopServers()`. */
export async function startServer(command: readonly string[], ...args: readonly string[]): Promise<Server> {
  const child = Bun.spawn([...command, ...args], {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" },
  });
  running.push(child);
  const lines = jsonLines(child.stdout);
  const line = async () => {
    const { done, value } = await lines.next();
    if (done) throw new Error(`the server ended with ${await child.exited}`);
    return value;
  };
  const { url, port } = await line();
  return { child, line, url: url as string, port: port as number };
}

async function* jsonLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<Line> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line);
  }
}

export interface Raw {
  readonly socket: Socket;
  /** Everything that came so far, one character a byte. */
  text(): string;
  write(data: string): void;
  /** Resolves when the server has closed. */
  readonly closed: Promise<string>;
  /** Resolves when what came contains it; rejects when the server closes before. */
  until(part: string): Promise<string>;
}

/** A connection that sends bytes as they are. */
export function openRaw(port: number, ...begin: readonly string[]): Raw {
  let text = "";
  const socket = connect(port, "127.0.0.1");
  socket.on("data", (data) => {
    text += data.toString("latin1");
  });
  // A server that closes on unread bytes resets the connection; what matters is what came before.
  socket.on("error", () => {});
  const closed = new Promise<string>((resolve) => socket.on("close", () => resolve(text)));
  const raw: Raw = {
    socket,
    text: () => text,
    write: (data) => void socket.write(data, "latin1"),
    closed,
    until: (part) =>
      new Promise((resolve, reject) => {
        const look = () => text.includes(part) && resolve(text);
        socket.on("data", look);
        socket.on("close", () => reject(new Error(`closed after ${JSON.stringify(text.slice(0, 500))}`)));
        look();
      }),
  };
  for (const data of begin) raw.write(data);
  return raw;
}

/** Sends a request and gives what came until the server closed. */
export const exchange = (port: number, ...request: readonly string[]): Promise<string> =>
  openRaw(port, ...request).closed;

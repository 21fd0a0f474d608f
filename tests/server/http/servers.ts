/** Real servers on every runtime, and what a client sees of them. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

export const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  bun: [process.execPath],
  deno: [join(ROOT, "node_modules/.bin/deno"), "run", "-A", "--no-lock"],
  node: [join(ROOT, "node_modules/node/bin/node")],
};

export interface TestServer {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  /** Where it keeps everything. */
  readonly dir: string;
  /** Files below the storage's root that are not published objects. */
  leftovers(): string[];
  /** Bytes that they have together. */
  stagedBytes(): number;
  stop(): Promise<void>;
}

export async function startServer(command: readonly string[]): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), "artifactstore-http-"));
  mkdirSync(join(dir, "objects"));
  const child = Bun.spawn([...command, join(import.meta.dirname, "server_child.ts"), dir], {
    cwd: ROOT,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" },
  });
  const said = await firstLine(child.stdout);
  return {
    ...said,
    dir,
    leftovers: () => staged(dir).map(({ name }) => name),
    stagedBytes: () =>
      staged(dir).reduce((sum, { parentPath, name }) => sum + (statOf(join(parentPath, name))?.size ?? 0), 0),
    async stop() {
      child.stdin.end();
      await child.exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const staged = (dir: string) =>
  readdirSync(join(dir, "objects"), { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !/^[0-9a-f]{64}(\.\d+)?$/.test(entry.name),
  );

/** Of a file that may be gone by now. */
const statOf = (path: string) => statSync(path, { throwIfNoEntry: false });

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<{ name: string; url: string; port: number }> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n")) return JSON.parse(text.slice(0, text.indexOf("\n")));
  }
  throw new Error("the server ended before it listened");
}

/** Sends bytes as they are; everything that comes until the server closes, or for as long as `cut` lets it. */
export function raw(port: number, request: string | Uint8Array, cut = false): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(request, () => {
        // The server has these bytes before it hears that the connection is gone.
        if (cut) setTimeout(() => socket.resetAndDestroy(), 100);
      });
    });
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", (error) => (cut ? resolve(answer) : reject(error)));
  });
}

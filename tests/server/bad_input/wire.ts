/** Sends a case as it stands, and reads what comes back as a strict client would. */
import { connect } from "node:net";
import type { Case } from "./case.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** One character a byte. */
  readonly body: string;
}

/** How long a server may take before that is a fault. Milliseconds. */
const PATIENCE = 40_000;

/**
 * Everything that comes until the server closes. `reset`: the client goes as soon as the system has its bytes.
 * A connection that the server neither answers nor closes is a fault.
 */
export function exchange(port: number, { name, ending }: Case, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`${name}: neither an end nor an answer; so far: ${JSON.stringify(text.slice(0, 300))}`));
    }, PATIENCE);
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (ending === "answered") socket.end();
    });
    // A server that closes over unread bytes resets the connection; what matters is what came before.
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.write(bytes, () => {
      if (ending === "end") socket.end();
      // The server has these bytes before it hears that nobody is there.
      if (ending === "reset") setTimeout(() => socket.resetAndDestroy(), 20);
    });
  });
}

/** @throws {Error} when it is not HTTP/1.1 */
export function answersOf(text: string, head: boolean): Answer[] {
  const found: Answer[] = [];
  let rest = text;
  while (rest !== "") {
    const end = rest.indexOf("\r\n\r\n");
    const [first = "", ...lines] = rest.slice(0, Math.max(end, 0)).split("\r\n");
    const status = /^HTTP\/1\.1 (\d{3}) [ -~]*$/.exec(first)?.[1];
    if (end < 0 || status === undefined) throw new Error(`this is no answer: ${JSON.stringify(rest.slice(0, 300))}`);
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const [, name = "", value = ""] = /^([A-Za-z0-9-]+): ?([\t -~\x80-\xff]*)$/.exec(line) ?? [];
      if (name === "") throw new Error(`this is no header: ${JSON.stringify(line)}`);
      headers[name.toLowerCase()] = value;
    }
    rest = rest.slice(end + 4);
    if (status === "100") continue;
    let body = "";
    if (!head && status !== "204" && status !== "304") {
      [body, rest] = headers["transfer-encoding"] === "chunked" ? unchunked(rest) : sized(headers, rest);
    }
    found.push({ status: Number(status), headers, body });
  }
  return found;
}

function sized(headers: Readonly<Record<string, string>>, rest: string): [string, string] {
  const length = Number(headers["content-length"]);
  if (!Number.isSafeInteger(length)) throw new Error(`an answer without a length: ${JSON.stringify(headers)}`);
  return [rest.slice(0, length), rest.slice(length)];
}

function unchunked(text: string): [string, string] {
  let body = "";
  for (let rest = text; ; ) {
    const [line = ""] = rest.split("\r\n", 1);
    const size = Number.parseInt(line, 16);
    // Cut off: there is no end to tell.
    if (Number.isNaN(size)) return [body, ""];
    if (size === 0) return [body, rest.slice(line.length + 4)];
    body += rest.slice(line.length + 2, line.length + 2 + size);
    rest = rest.slice(line.length + size + 4);
  }
}

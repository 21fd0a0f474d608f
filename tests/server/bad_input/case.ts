/** One bad request: what goes over the wire, and what may come back. */

export interface Case {
  readonly name: string;
  /** As it goes over the wire, one character a byte; `{open}`, `{closed}`, `{upload}`, `{object}` are ids of real things. */
  readonly send: string | Uint8Array;
  /** Statuses, one of which has to come; 0: the connection is closed without a word. */
  readonly wants: readonly number[];
  /**
   * The client is gone after its last byte: without waiting for the answer, or with its side closed (Node takes both for
   * somebody who has left, and may answer nothing); or it closes its side when the answer begins.
   */
  readonly ending?: "reset" | "end" | "answered";
}

/** A table under one heading. */
export type Group = readonly Case[];

export const HOST = "Host: localhost\r\n";
export const CLOSE = "Connection: close\r\n";
export const JSON_TYPE = "Content-Type: application/json\r\n";

/** Characters of a string as the bytes of its UTF-8. */
export const utf8 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
/** Everything but what is never encoded. */
export const percent = (text: string): string =>
  [...Buffer.from(text, "utf8")].map((byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`).join("");

export const get = (target: string, headers = "", method = "GET"): string =>
  `${method} ${target} HTTP/1.1\r\n${HOST}${CLOSE}${headers}\r\n`;

/** With a body of the length that it says. `body` is one character a byte. */
export const send = (method: string, target: string, headers: string, body: string): string =>
  `${method} ${target} HTTP/1.1\r\n${HOST}${CLOSE}${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

export const postJson = (target: string, body: string, headers = ""): string =>
  send("POST", target, `${JSON_TYPE}${headers}`, utf8(body));

/** A name for a value that may be long or unprintable. */
export const shown = (value: string): string => {
  const text = JSON.stringify(value).replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
  return text.length > 60 ? `${text.slice(0, 50)}... (${value.length})` : text;
};

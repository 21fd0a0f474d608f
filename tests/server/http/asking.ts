/** Asks a server as a table says, and shows what came beside what is wanted. */
import { bodyBytes, type Call } from "./table.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly body: string;
}

export interface Asker {
  /** The text with `{name}` replaced by what was kept. */
  fill(text: string): string;
  ask(call: Call): Promise<Answer>;
  /** What the answer has where the call wants something. Keeps what the call says. */
  seen(call: Call, answer: Answer): { found: Record<string, unknown>; wanted: Record<string, unknown> };
}

/** @param codePath where the JSON of an error has its code */
export function createAsker(url: () => string, codePath: string): Asker {
  const kept: Record<string, string> = {};
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (whole, key) => kept[key] ?? whole);

  /** A pattern that matches wants what is there. */
  function matched(found: unknown, wanted: unknown): [unknown, unknown] {
    if (wanted instanceof RegExp) return [found, wanted.test(String(found)) ? found : String(wanted)];
    return [found, typeof wanted === "string" ? fill(wanted) : wanted];
  }

  return {
    fill,
    async ask(call) {
      const [method = "", path = ""] = fill(call.call).split(/ (.*)/s);
      const isJson = typeof call.body === "object" && !(call.body instanceof Uint8Array);
      const body = bodyBytes(isJson ? fill(JSON.stringify(call.body)) : call.body);
      const headers = new Headers(isJson ? { "content-type": "application/json" } : {});
      for (const [field, value] of Object.entries(call.headers ?? {})) headers.set(field, fill(value));
      const response = await fetch(`${url()}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
      const bytes = new Uint8Array(await response.arrayBuffer());
      const { status } = response;
      return { status, headers: response.headers, bytes, body: new TextDecoder().decode(bytes) };
    },
    seen(call, answer) {
      const isJson = answer.body !== "" && answer.headers.get("content-type")?.endsWith("json") === true;
      const json = isJson ? JSON.parse(answer.body) : undefined;
      const member = (path: string) =>
        path.split(".").reduce((at: Record<string, unknown>, key) => at?.[key] as never, json);
      const found: Record<string, unknown> = { call: call.call, status: answer.status };
      const wanted: Record<string, unknown> = { call: call.call, status: call.status };
      if (call.code !== undefined) [found.code, wanted.code] = [member(codePath), call.code];
      for (const [field, value] of Object.entries(call.sends ?? {})) {
        [found[field], wanted[field]] = matched(answer.headers.get(field), value);
      }
      if (call.gives instanceof Uint8Array) {
        [found.bytes, wanted.bytes] = [Buffer.compare(answer.bytes, call.gives), 0];
      } else if (typeof call.gives === "string") {
        [found.body, wanted.body] = [answer.body, call.gives];
      } else {
        for (const [path, value] of Object.entries(call.gives ?? {})) {
          [found[path], wanted[path]] = matched(member(path), value);
        }
      }
      for (const [as, what] of Object.entries(call.keep ?? {})) {
        kept[as] = String(member(what) ?? answer.headers.get(what));
      }
      return { found, wanted };
    },
  };
}

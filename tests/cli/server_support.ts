/** A server on a store, the command line through it, and networks that do what networks should not. */
import { afterAll } from "bun:test";
import { cli, jsonLines, type Run, start, until, type Where } from "./support.ts";

export interface Serving {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** `artifactstore serve`, in a process of its own, on any free port. */
export async function serveStore(where: Where, port = 0): Promise<Serving> {
  const child = start(["serve", "--json", "--listen", `127.0.0.1:${port}`], where);
  const reader = child.stdout.getReader();
  let text = "";
  const decoder = new TextDecoder();
  const [first] = await until(async () => {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the server ended: ${await new Response(child.stderr).text()}`);
    text += decoder.decode(value, { stream: true });
    return text.endsWith("\n") && jsonLines(text);
  });
  const url = String(first?.listening);
  // A log that nobody reads would fill its pipe.
  void new Response(child.stderr).text();
  return {
    url,
    port: Number(new URL(url).port),
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

/** Where nobody listens. */
export async function nobody(): Promise<string> {
  const once = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { origin } = once.url;
  await once.stop(true);
  return origin;
}

/** What a command says through a server. */
export function through(url: string, args: readonly string[], where: Where = {}): Promise<Run> {
  return cli([...args, "--server", url], where);
}

export type Meddle = (answer: Uint8Array, request: Request) => Uint8Array;

/** Something between that passes requests on and changes what comes back, lengths kept right. */
export function meddler(url: string, meddle: Meddle): string {
  const proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const to = url + request.url.slice(new URL(request.url).origin.length);
      const headers = new Headers(request.headers);
      headers.delete("host");
      headers.set("accept-encoding", "identity");
      const { method } = request;
      const body = method === "GET" || method === "HEAD" ? undefined : await request.arrayBuffer();
      const answer = await fetch(to, { method, headers, ...(body && { body }) });
      const changed = meddle(await answer.bytes(), request);
      return new Response(changed as Uint8Array<ArrayBuffer>, { status: answer.status, headers: answer.headers });
    },
  });
  afterAll(() => proxy.stop(true));
  return `http://127.0.0.1:${proxy.port}`;
}

/** An index of nothing that says `note`, as an OCI client pushes it; its digest. */
export async function pushManifest(url: string, repository: string, tag: string, note: string): Promise<string> {
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const body = JSON.stringify({ schemaVersion: 2, mediaType, manifests: [], annotations: { note } });
  const headers = { "content-type": mediaType };
  const answer = await fetch(`${url}/v2/${repository}/manifests/${tag}`, { method: "PUT", headers, body });
  if (answer.status !== 201) throw new Error(`${repository}:${tag} was answered with ${answer.status}`);
  return answer.headers.get("docker-content-digest") as string;
}

/** A server that can be killed and started again where it was, and pushes to it. */
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { cli, finished, type Ingested, type Json, jsonLines, ok, type Run, start, type Where } from "../support.ts";

export interface Store {
  readonly data: string;
  readonly port: number;
  readonly url: string;
  begin(): Promise<void>;
  kill(): Promise<void>;
  packages(): Promise<Json[]>;
}

/** Not running yet. */
export async function makeStore(data: string, env: Readonly<Record<string, string>> = {}): Promise<Store> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ReturnType<typeof start> | undefined;
  return {
    data,
    port,
    url,
    async begin() {
      child = start(["serve", "--json", "--listen", `127.0.0.1:${port}`], { data, env });
      const { value } = await child.stdout.getReader().read();
      if (value === undefined) throw new Error(`the server did not begin: ${await new Response(child.stderr).text()}`);
    },
    async kill() {
      child?.kill("SIGKILL");
      await child?.exited;
    },
    packages: async () => jsonLines(await ok(["ls", "--json"], { env: { ARTIFACTSTORE_SERVER: url } })),
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** One user who pushes one directory. */
export function pusher(tree: string, server: string, state: string, where: Where = {}) {
  const args = (more: readonly string[]) => [
    ...["push", tree, "--name", "demo", "--retention-class", "working", "--server", server],
    ...more,
  ];
  const at: Where = { ...where, env: { ...where.env, XDG_STATE_HOME: state } };
  const folder = join(state, "artifactstore/push");
  return {
    folder,
    start: (...more: string[]) => start(args(more), at),
    run: (...more: string[]): Promise<Run> => cli(args(more), at),
    /** Expects success. */
    async push(...more: string[]): Promise<Ingested & { readonly notes: readonly string[] }> {
      const run = await cli(args(["--json", ...more]), at);
      if (run.code !== 0) throw new Error(`push ended with ${run.code}: ${run.stderr}`);
      return { ...(jsonLines(run.stdout)[0] as unknown as Ingested), notes: notesOf(run) };
    },
    journals: () => (existsSync(folder) ? readdirSync(folder) : []),
  };
}

export function notesOf({ stderr }: Pick<Run, "stderr">): string[] {
  return jsonLines(stderr).flatMap(({ note }) => (note === undefined ? [] : [(note as { message: string }).message]));
}

export { finished };

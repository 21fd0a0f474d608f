/** The registries that the programs here speak to: servers of this checkout, each on an empty store, or one that runs already. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { lookAtAll, serve, sqlitePlace } from "../e2e/bad_days.ts";
import type { Tally } from "../soak/rig.ts";

/** Little is logged: who waits for a client does not read the log, and a server that cannot log on waits too (Deno). */
const QUIET = "log.level=error";
const RUNTIMES = ["bun", "deno", "node"] as const;

export interface Door {
  /** For messages. */
  readonly name: string;
  /** `host:port`, plain HTTP. */
  readonly host: string;
  /** Ends it and looks at what it kept; problems are recorded. */
  close(): Promise<void>;
}

/** @param runtimes comma-separated @param registry host:port of a running one (on loopback), which is taken instead */
export async function* openDoors(options: {
  readonly runtimes: string;
  readonly registry: string | undefined;
  readonly folder: string;
  readonly tally: Tally;
  /** Settings of our server, `name=value`. */
  readonly settings?: readonly string[];
}): AsyncGenerator<Door> {
  const { registry, folder, tally, settings = [] } = options;
  if (registry !== undefined) {
    if (!/^(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/.test(registry))
      throw new Error(`--registry is a port of this machine, such as 127.0.0.1:5000, not ${registry}`);
    yield { name: registry, host: registry, close: async () => {} };
    return;
  }
  for (const name of options.runtimes.split(",")) {
    const runtime = RUNTIMES.find((known) => known === name);
    if (runtime === undefined) throw new Error(`--runtimes is a list of ${RUNTIMES.join(", ")}; there is no ${name}`);
    const data = join(folder, `data-${runtime}`);
    mkdirSync(join(data, "objects"), { recursive: true });
    const place = sqlitePlace(join(data, "objects"), join(data, "app.db"));
    const server = await serve(place, runtime, ["--set", QUIET, ...settings]);
    yield {
      name: runtime,
      host: new URL(server.url).host,
      async close() {
        const { http, body } = await server.health();
        await server.stop();
        const { problems } = await lookAtAll(place);
        const health = http === 200 ? [] : [JSON.stringify(body)];
        tally.record(`${runtime}: server and store are in good health afterwards`, [
          ...health,
          ...problems.map(String),
        ]);
      },
    };
  }
}

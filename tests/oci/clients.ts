/** Clients as people have them, each over an empty repository: push, list, inspect, pull, copy, attach, delete. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { commit, Tally, workspace } from "../soak/rig.ts";
import { copiers } from "./copiers.ts";
import { openDoors } from "./doors.ts";
import { engines } from "./engines.ts";
import { pullPackages } from "./packaged.ts";
import { findTool, runner, TOOLS, type ToolName } from "./tools.ts";

const USAGE = `usage: tests/oci/clients [options]
  --clients <list>       of ${TOOLS.join(", ")} (default: all)
  --runtimes <list>      of the server: bun (default), deno, node; comma-separated
  --registry <host:port> a registry that runs on this machine, instead of a server of this checkout`;

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: TOOLS.join(",") },
    runtimes: { type: "string", default: "bun" },
    registry: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const wanted = values.clients.split(",");
const unknown = wanted.find((name) => !TOOLS.some((known) => known === name));
if (unknown !== undefined) throw new Error(`--clients is a list of ${TOOLS.join(", ")}; there is no ${unknown}`);

const tally = new Tally();
const folder = workspace("oci");
console.log(`clients: commit ${commit()}`);
const found = new Map<ToolName, string>();
for (const name of TOOLS.filter((known) => wanted.includes(known))) {
  const tool = findTool(name);
  if ("path" in tool) found.set(name, tool.path);
  else console.log(`skipped: ${name}: ${tool.missing}`);
}
// As .ci/run understands it: nothing was tried.
if (found.size === 0) process.exit(77);

let homes = 0;
const { runtimes, registry } = values;
for await (const door of openDoors({ runtimes, registry, folder, tally })) {
  for (const [name, path] of found) {
    // Short: podman takes no path of more than 50 characters.
    const home = join(folder, String(homes++));
    mkdirSync(home);
    const label = name === "oras-go" ? "oras-go (the library of oras)" : name;
    const step = (sentence: string, work: () => void | Promise<void>) =>
      attempt(`${door.name}: ${label} ${sentence}`, work);
    const [host, ours] = [door.host, registry === undefined];
    if (name === "podman" || name === "buildah")
      await engines[name]({ name, host, ours, home, step, run: runner(path, home, storage(home)) });
    else {
      const scene = { name, host, ours, home, step, run: runner(path, home) };
      await copiers[name](scene);
      // Others have no packages.
      if (ours) await pullPackages(scene);
    }
  }
  await door.close();
}
tally.finish();
process.exit();

/** Layers as plain copies: no overlay, which a sandbox may not mount. */
function storage(home: string): string[] {
  return ["--root", join(home, "s"), "--runroot", join(home, "r"), "--storage-driver", "vfs"];
}

/** One test. Tells whether it passed, for those that make no sense without it. */
async function attempt(sentence: string, work: () => void | Promise<void>): Promise<boolean> {
  try {
    await work();
    tally.record(sentence, []);
    return true;
  } catch (error) {
    tally.record(sentence, [error instanceof Error ? error.message : String(error)]);
    return false;
  }
}

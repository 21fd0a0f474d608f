/** Layouts between a client and `artifactstore export-oci` and `import-oci`: what one of them writes, the other takes as it is. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { PROJECT } from "../soak/rig.ts";
import { differences, type Layout, TAG } from "./layout.ts";
import { equal, type Scene } from "./scene.ts";

interface LayoutClient {
  push(layout: Pick<Layout, "dir">, to: string): void;
  pull(from: string, dir: string): void;
  digest(of: string): string;
}

/** `near` has the layout under its tag. */
export async function exchange(
  { name, host, ours, home, step }: Scene,
  client: LayoutClient,
  layout: Layout,
  near: string,
): Promise<void> {
  // A registry of others has no packages.
  if (!ours) return;
  const folder = (path: string) => join(home, "layouts", path);
  mkdirSync(folder(""), { recursive: true });
  const command = (...args: string[]) => artifactstore(home, host, args);
  const to = (repository: string) => `${host}/${name}/${repository}:${TAG}`;

  await step("pushes what export-oci wrote, and it is what it was", () => {
    command("export-oci", `${near}:${TAG}`, folder("exported"));
    equal(differences(layout, folder("exported")), []);
    client.push({ dir: folder("exported") }, to("exported"));
    equal(client.digest(to("exported")), layout.digest);
  });
  await step("pushes what export-oci wrote of a package that import-oci made", () => {
    const { package_id: id } = command("import-oci", `${near}:${TAG}`, "--name", `${name}/kept`, ...CLASS);
    command("export-oci", id, folder("unpacked"));
    equal(differences(layout, folder("unpacked")), []);
    client.push({ dir: folder("unpacked") }, to("unpacked"));
    equal(client.digest(to("unpacked")), layout.digest);
  });
  await step("writes a layout that import-oci takes, and gives back", () => {
    client.pull(`${host}/${near}:${TAG}`, folder("theirs"));
    const { package_id: id } = command("import-oci", folder("theirs"), "--name", `${name}/theirs`, ...CLASS);
    command("export-oci", id, folder("theirs-again"));
    equal(differences(layout, folder("theirs-again")), []);
  });
}

const CLASS = ["--retention-class", "working"];

/** What it prints as JSON. */
export function artifactstore(home: string, host: string, args: readonly string[]): { readonly package_id: string } {
  const command = [join(PROJECT, "cli/main.ts"), ...args, "--json", "--server", `http://${host}`];
  const env = { PATH: process.env.PATH ?? "", HOME: home, XDG_STATE_HOME: join(home, "state") };
  const ran = spawnSync(process.execPath, command, { cwd: home, env, encoding: "utf8", timeout: 120_000 });
  if (ran.status === 0) return JSON.parse(ran.stdout);
  throw new Error(`artifactstore ${args.join(" ")}: ended with ${ran.status ?? ran.signal}\n  ${ran.stderr.trim()}`);
}

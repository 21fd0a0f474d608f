import type { HealthReport } from "../../core/spi/health.ts";
import type { CommandSpec } from "../context.ts";
import { printable } from "../output.ts";
import { version } from "../version.ts";

export async function versionText(): Promise<string> {
  const { version: number, commit } = await version();
  return `artifactstore ${number} (${commit})`;
}

export const versionCommand: CommandSpec = {
  usage: "version",
  summary: "version, commit and runtime of this program, and of the server where one is named",
  async run({ output, runtime, config, open }) {
    const own = { ...(await version()), runtime: { name: runtime.name, version: runtime.version } };
    const url = config.client.server;
    const server = url === undefined ? undefined : { url, ...pick(await (await open()).health()) };
    const text = await versionText();
    output.print({ ...own, ...(server && { server }) }, () => [
      `${text} on ${own.runtime.name} ${own.runtime.version}`,
      ...(server === undefined
        ? []
        : [
            `${server.url}: artifactstore ${printable(`${server.version} (${server.commit}) on ${server.runtime.name} ${server.runtime.version}`)}`,
          ]),
    ]);
    return undefined;
  },
};

const pick = ({ version: number, commit, runtime }: HealthReport) => ({ version: number, commit, runtime });

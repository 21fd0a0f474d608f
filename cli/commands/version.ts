import type { HealthReport } from "../../core/spi/health.ts";
import type { CommandSpec } from "../context.ts";
import { printable } from "../output.ts";
import { version } from "../version.ts";

export function versionText(): string {
  const { version: number, commit } = version();
  return `artifactstore ${number} (${commit})`;
}

export const versionCommand: CommandSpec = {
  usage: "version",
  summary: "version, commit and runtime of this program, and of the server where one is named",
  async run({ output, runtime, config, open }) {
    const own = { ...version(), runtime: { name: runtime.name, version: runtime.version } };
    const url = config.client.server;
    const server = url === undefined ? undefined : { url, ...pick(await (await open()).health()) };
    output.print({ ...own, ...(server && { server }) }, () => [
      `${versionText()} on ${own.runtime.name} ${own.runtime.version}`,
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

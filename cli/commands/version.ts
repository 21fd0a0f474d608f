import type { CommandSpec } from "../context.ts";
import { version } from "../version.ts";

export function versionText(): string {
  const { version: number, commit } = version();
  return `artifactstore ${number} (${commit})`;
}

export const versionCommand: CommandSpec = {
  usage: "version",
  summary: "version, commit and runtime of this program",
  async run({ output, runtime }) {
    const runs = { name: runtime.name, version: runtime.version };
    output.print({ ...version(), runtime: runs }, () => [`${versionText()} on ${runs.name} ${runs.version}`]);
    return undefined;
  },
};

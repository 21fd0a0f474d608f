import type { CommandSpec } from "../context.ts";
import { table } from "../output.ts";

export const configShow: CommandSpec = {
  usage: "show",
  summary: "every setting, its value and where it came from (passwords masked)",
  here: true,
  async run({ output, config }) {
    output.print(config.sources, () =>
      table(
        [
          { title: "SETTING", value: (s) => s.key },
          { title: "VALUE", value: (s) => String(s.value) },
          { title: "FROM", value: (s) => s.from },
        ],
        config.sources,
      ),
    );
    return undefined;
  },
};

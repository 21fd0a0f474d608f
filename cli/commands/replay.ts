import { type CommandSpec, option } from "../context.ts";
import { EXIT, formatCount } from "../output.ts";
import { startProgress } from "../progress.ts";

export const replay: CommandSpec = {
  usage: "replay",
  summary: "rebuild every view from the log in one transaction, or only check that it would give the same",
  here: true,
  options: [
    option("--check", "change nothing: replay beside the live views and compare (exit code 5 when they differ)"),
  ],
  async run({ output, openHere, signal }, _args, options) {
    const { registry, caller, holder } = await openHere();
    const progress = startProgress(output, { label: "replay" });
    let seen = 0;
    const onProgress = (done: number, total: number) => {
      progress.expect({ files: total });
      progress.advance({ files: done - seen });
      seen = done;
    };
    try {
      if (options.check !== true) {
        const report = await registry.replay(caller, { holder, onProgress, signal });
        progress.finish();
        output.print(report, () => [`replayed ${formatCount(report.events)} events; views ${report.views.digest}`]);
        return undefined;
      }
      const check = await registry.checkReplay(caller, { onProgress, signal });
      progress.finish();
      output.print(check, () => [
        ...check.differing.map(
          (name) =>
            `differs: ${name} (live ${check.live.tables[name]?.rows} rows, replayed ${check.replayed.tables[name]?.rows})`,
        ),
        check.ok
          ? `ok: ${formatCount(check.events)} events give the same views ${check.live.digest}`
          : "DIFFERENT: the live views are not what the log says; `artifactstore replay` rebuilds them",
      ]);
      return check.ok ? EXIT.success : EXIT.damage;
    } finally {
      progress.finish();
    }
  },
};

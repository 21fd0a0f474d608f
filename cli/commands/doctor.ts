import type { DoctorReport } from "../../core/mod.ts";
import { type CommandSpec, duration, option } from "../context.ts";
import { EXIT, formatBytes, formatCount } from "../output.ts";

export const doctor: CommandSpec = {
  usage: "doctor",
  summary: "find what crashes left behind and what is missing; only --fix removes leftovers",
  options: [
    option("--fix", "remove unfinished uploads and bytes that no name points at"),
    option("--grace <duration>", "leave leftovers alone that are younger: 90s, 30m, 24h, 7d", "24h"),
  ],
  async run({ output, open, signal }, _args, options) {
    const grace = duration("--grace", options.grace);
    const { registry, caller, holder } = await open();
    if (options.fix !== true) {
      const report = await registry.inspect(caller, { grace, signal });
      output.print(report, () => [
        ...findings(report),
        ...(report.staged.length + report.orphans.length + report.scratch.length > 0
          ? ["nothing was changed; `artifactstore doctor --fix` removes the leftovers"]
          : []),
      ]);
      return report.healthy ? EXIT.success : EXIT.damage;
    }
    const done = await registry.fix(caller, { grace, signal, holder });
    output.print(done, () => [
      ...findings(done.report),
      `removed ${formatCount(done.removed_staged)} unfinished uploads and ${formatCount(done.removed_orphans)} orphans, ${formatBytes(done.freed_bytes)}`,
    ]);
    return done.report.healthy ? EXIT.success : EXIT.damage;
  },
};

const SHOWN = 20;

function findings(report: DoctorReport): string[] {
  const listed = (title: string, lines: readonly string[]) =>
    lines.length === 0
      ? []
      : [
          `${title}: ${formatCount(lines.length)}`,
          ...lines.slice(0, SHOWN).map((l) => `  ${l}`),
          ...(lines.length > SHOWN ? [`  and ${lines.length - SHOWN} more (--json lists all)`] : []),
        ];
  const sized = (f: { backend_id: string; key: string; size: number }) =>
    `${f.backend_id}:${f.key} (${formatBytes(f.size)})`;
  return [
    ...listed(
      "MISSING bytes",
      report.missing.map((m) => `${m.content_address} at ${m.backend_id}:${m.key} (${m.problem})`),
    ),
    ...listed("DAMAGED objects", report.quarantined),
    ...listed("views that need `artifactstore replay`", report.stale_views),
    ...listed("unfinished uploads", report.staged.map(sized)),
    ...listed("databases of a replay --check that never ended", report.scratch),
    ...listed("bytes without a name", report.orphans.map(sized)),
    `${report.healthy ? "healthy" : "NOT healthy"}; ${formatCount(report.open_packages)} packages are open`,
  ];
}

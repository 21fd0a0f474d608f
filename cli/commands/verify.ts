import type { CommandSpec } from "../context.ts";
import { EXIT, formatBytes, formatCount, printable } from "../output.ts";
import { startProgress } from "../progress.ts";

export const verify: CommandSpec = {
  usage: "verify <package>",
  summary: "read every object of a package again and compare its digests (exit code 5 when something is damaged)",
  async run({ output, open }, [ref = ""]) {
    const { registry, caller } = await open();
    const found = await registry.getPackage(caller, ref);
    const progress = startProgress(output, { label: "verify" });
    let seen = { objects: 0, bytes: 0 };
    try {
      if (found.total_bytes !== null) progress.expect({ bytes: found.total_bytes });
      const report = await registry.verifyPackage(caller, found.package_id, (done) => {
        progress.advance({ files: done.objects - seen.objects, bytes: done.bytes - seen.bytes });
        seen = done;
      });
      progress.finish();
      output.print(report, () => [
        ...report.damaged.flatMap(({ content_address, problem, paths }) => [
          `damaged: ${content_address} (${problem})`,
          ...paths.map((path) => `  ${printable(path)}`),
        ]),
        ...(report.manifest_ok === false ? ["damaged: the stored manifest does not have the recorded digest"] : []),
        `${report.ok ? "ok" : "DAMAGED"}: ${formatCount(report.objects)} objects, ${formatBytes(report.bytes)}, ${formatCount(report.damaged.length)} damaged`,
      ]);
      return report.ok ? EXIT.success : EXIT.damage;
    } finally {
      progress.finish();
    }
  },
};

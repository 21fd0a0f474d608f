import type { CommandSpec } from "../context.ts";
import { EXIT, formatBytes } from "../output.ts";

export const health: CommandSpec = {
  usage: "health",
  summary: "whether database and storage work, seen from this machine; the same report as GET /health",
  async run({ output, open }) {
    const report = await (await open()).health();
    output.print(report, () => [
      `${report.status}: artifactstore ${report.version} (${report.commit}) on ${report.runtime.name} ${report.runtime.version}`,
      `log       ${report.registry.head === null ? "cannot be read" : `${report.registry.head.sequence}:${report.registry.head.hash}`}`,
      `database  ${report.database.kind} ${report.database.version}, synchronous ${report.database.synchronous}${report.database.detail === undefined ? "" : `: ${report.database.detail}`}`,
      ...report.storage.map(
        (s) =>
          `storage   ${s.backend_id} (${s.kind}) ${s.writable ? "writable" : "NOT writable"}${s.free_bytes === undefined ? "" : `, ${formatBytes(s.free_bytes)} free`}${s.detail === undefined ? "" : `: ${s.detail}`}`,
      ),
      `hashing   ${report.hasher.kernel} (${report.hasher.name})`,
    ]);
    return report.status === "ok" ? EXIT.success : EXIT.unavailable;
  },
};

import { resolve } from "node:path";
import { type CommandSpec, option, wholeNumber } from "../context.ts";
import { writeTree } from "../files/write_tree.ts";
import { formatBytes, formatCount } from "../output.ts";
import { startProgress } from "../progress.ts";

export const fetchPackage: CommandSpec = {
  usage: "fetch <package> <directory>",
  summary: "write a package into a new directory, every byte verified on the way",
  options: [option("--concurrency <n>", "files in work at once", "8")],
  async run(context, [ref = "", directory = ""], options) {
    const { output, runtime } = context;
    const concurrency = wholeNumber("--concurrency", options.concurrency, 1, 256);
    const { registry, caller } = await context.open();
    const found = await registry.getPackage(caller, ref);
    const target = resolve(runtime.cwd(), directory);
    const progress = startProgress(output, { label: "fetch" });
    try {
      if (found.file_count !== null) progress.expect({ files: found.file_count, bytes: found.total_bytes ?? 0 });
      const written = await writeTree(registry, caller, found.package_id, target, {
        concurrency,
        onProgress: (step) => progress.advance(step),
      });
      progress.finish();
      output.print({ package_id: found.package_id, directory: target, ...written }, () => [
        `${formatCount(written.files)} files, ${formatBytes(written.bytes)}, verified, in ${target}`,
      ]);
      return undefined;
    } finally {
      progress.finish();
    }
  },
};

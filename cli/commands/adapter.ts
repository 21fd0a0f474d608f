import { basename } from "node:path";
import { renderReport, runStorageConformance } from "../../adapters/conformance/mod.ts";
import { createFsStorage } from "../../adapters/storage-fs/mod.ts";
import { createMemoryStorage } from "../../adapters/storage-memory/mod.ts";
import { RegistryError, type StorageBackend } from "../../core/mod.ts";
import { parseStorageUrl } from "../config.ts";
import type { CommandSpec } from "../context.ts";
import { EXIT } from "../output.ts";

export const adapterVerify: CommandSpec = {
  usage: "verify <url>",
  summary: "run the storage conformance kit: file:///dir/of/its/own-test, memory: or memory:object-store",
  here: true,
  async run({ output, runtime }, [url = ""]) {
    const open = factoryFor(url, runtime.cwd());
    const report = await runStorageConformance(open);
    output.print(report, () => renderReport(report).trimEnd().split("\n"));
    return report.failed > 0 ? EXIT.damage : EXIT.success;
  },
};

function factoryFor(url: string, cwd: string): () => Promise<StorageBackend> {
  if (url === "memory:") return async () => createMemoryStorage();
  if (url === "memory:object-store") return async () => createMemoryStorage({ mode: "object-store" });
  const target = parseStorageUrl(url, cwd);
  if (target === undefined)
    throw new RegistryError(
      "invalid_argument",
      `${JSON.stringify(url)} names no adapter; use file:///path-test, memory: or memory:object-store`,
    );
  // The kit writes, deletes and damages: it must never meet a store that somebody needs.
  if (!basename(target.root).endsWith("-test")) {
    throw new RegistryError(
      "invalid_argument",
      `The kit deletes what it finds: name a directory that ends in "-test", not ${target.root}`,
      { root: target.root },
    );
  }
  return async () => createFsStorage({ root: target.root });
}

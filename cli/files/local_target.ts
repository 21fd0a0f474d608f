/** The entries of a directory into a package of a registry in this process. */
import type { Algorithm, Caller, Registry } from "../../core/mod.ts";
import type { TreeTarget } from "./ingest_tree.ts";
import { readFile } from "./read.ts";

const BUDGET = 24 * 1024 * 1024;
/** Each file in work holds a few chunks, however big it is. */
const MOST_PER_FILE = 2 * 1024 * 1024;

export function localTarget(
  registry: Pick<Registry, "addDirectory" | "addSymlink" | "ingestFile">,
  caller: Caller,
  { packageId, algorithms }: { readonly packageId: string; readonly algorithms: readonly Algorithm[] },
): TreeTarget {
  return {
    budget: BUDGET,
    weightOf: (size) => Math.min(size, MOST_PER_FILE),
    addDirectory: (path) => registry.addDirectory(caller, { packageId, path }),
    addSymlink: (path, target) => registry.addSymlink(caller, { packageId, path, target }),
    async addFile(file, onBytes) {
      const { path, executable, size: expectedSize } = file;
      const source = readFile(file, onBytes);
      const input = { packageId, path, source, executable, expectedSize, algorithms };
      const { entry, deduplicated } = await registry.ingestFile(caller, input);
      return { size: entry.size, deduplicated };
    },
  };
}

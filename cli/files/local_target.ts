/** The entries of a directory into a package of a registry in this process. */
import type { Algorithm, Caller, Digest, Registry } from "../../core/mod.ts";
import type { TreeTarget } from "./ingest_tree.ts";
import { readFile } from "./read.ts";

const BUDGET = 24 * 1024 * 1024;
/** Each file in work holds a few chunks, however big it is. */
const MOST_PER_FILE = 2 * 1024 * 1024;

interface LocalTargetOptions {
  readonly packageId: string;
  readonly algorithms: readonly Algorithm[];
  /** What a file must have. */
  expected?(path: string): Digest | undefined;
}

export function localTarget(
  registry: Pick<Registry, "addDirectory" | "addSymlink" | "ingestFile">,
  caller: Caller,
  { packageId, algorithms, expected }: LocalTargetOptions,
): TreeTarget {
  return {
    budget: BUDGET,
    weightOf: (size) => Math.min(size, MOST_PER_FILE),
    addDirectory: (path) => registry.addDirectory(caller, { packageId, path }),
    addSymlink: (path, target) => registry.addSymlink(caller, { packageId, path, target }),
    async addFile(file, onBytes) {
      const { path, executable, size: expectedSize } = file;
      const source = readFile(file, onBytes);
      const wanted = expected?.(path);
      const input = {
        ...{ packageId, path, source, executable, expectedSize, algorithms },
        ...(wanted && { expected: [wanted] }),
      };
      const { entry, deduplicated } = await registry.ingestFile(caller, input);
      return { size: entry.size, deduplicated };
    },
  };
}

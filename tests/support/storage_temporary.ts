/** Temporary directories for storage tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A fresh directory under the system's; `remove()` it afterwards. */
export function temporaryDirectory(label: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `artifact-store-${label}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** What `ingest` and `push` say. */
import { type FinalizedPackage, RegistryError } from "../../core/mod.ts";
import type { IngestTreeResult } from "../files/ingest_tree.ts";
import type { Refused } from "../files/walk.ts";
import { EXIT, type ExitCode, formatBytes, formatCount, type Output, printable } from "../output.ts";

/**
 * Names what is left out. `skipUnreadable`: `undefined` where the command has no such option to advise.
 * @throws {RegistryError} `source_changed` for what could not be read, unless that is to be skipped
 */
export function reportRefused(output: Output, refused: readonly Refused[], skipUnreadable: boolean | undefined): void {
  for (const { path, reason } of refused)
    output.note(`left out: ${printable(path)}: ${printable(reason)}`, { path, reason });
  const unreadable = refused.filter((entry) => entry.unreadable);
  if (unreadable.length === 0 || skipUnreadable) return;
  const entries = unreadable.length === 1 ? "1 entry" : `${formatCount(unreadable.length)} entries`;
  const advice = skipUnreadable === undefined ? "" : ", or leave them out with --skip-unreadable";
  throw new RegistryError("source_changed", `${entries} could not be read (listed above); mend them${advice}`, {
    unreadable: unreadable.slice(0, 100).map(({ path, reason }) => ({ path, reason })),
  });
}

export function printDone(
  output: Output,
  finalized: FinalizedPackage,
  { refused, ...counts }: Omit<IngestTreeResult, "refused"> & { readonly refused: readonly Refused[] },
): ExitCode {
  for (const { message, ...data } of finalized.warnings) output.note(`warning: ${printable(message)}`, data);
  output.print({ ...finalized, ingest: { ...counts, refused } }, () => [
    `package       ${finalized.package_id}`,
    `name          ${finalized.name}${finalized.version === null ? "" : `@${finalized.version}`}`,
    `manifest      ${finalized.manifest_digest}`,
    `files         ${formatCount(counts.files)}${counts.directories > 0 ? `, ${formatCount(counts.directories)} empty directories` : ""}${counts.symlinks > 0 ? `, ${formatCount(counts.symlinks)} symlinks` : ""}`,
    `bytes         ${formatCount(counts.bytes)} (${formatBytes(counts.bytes)})`,
    `deduplicated  ${formatCount(counts.deduplicated_bytes)} (${formatBytes(counts.deduplicated_bytes)}) in ${formatCount(counts.deduplicated_files)} files`,
    `kept until    ${finalized.expires_at ?? "for good"} (${finalized.retention_class})`,
    ...(refused.length > 0 ? [`left out      ${formatCount(refused.length)} (listed above)`] : []),
  ]);
  return refused.length > 0 ? EXIT.partial : EXIT.success;
}

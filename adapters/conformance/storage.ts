/**
 * The storage kit: every promise of `core/spi/storage.ts` as a case.
 *
 * It uses made-up addresses (a backend never interprets content), never reuses one, and deletes what it published, so it
 * may run against a store that is not empty. Nobody else may stage objects there meanwhile.
 */
import { type CaseResult, type Report, type RunOptions, runCase, runCases } from "./report.ts";
import { openContext, type StorageCase, type StorageFactory } from "./storage_context.ts";
import { listCases } from "./storage_list.ts";
import { publishCases } from "./storage_publish.ts";
import { readCases } from "./storage_read.ts";
import { stagingCases } from "./storage_staging.ts";
import { uploadCases } from "./storage_uploads.ts";

export const storageCases: readonly StorageCase[] = [
  ...publishCases,
  ...readCases,
  ...listCases,
  ...stagingCases,
  ...uploadCases,
];

/** Runs the kit. Slowest cases: 20 MiB of object, 25 objects at once. */
export async function runStorageConformance(factory: StorageFactory, options: RunOptions = {}): Promise<Report> {
  const first = await factory();
  const subject = `${first.kind} backend ${first.id}`;
  await first.close();
  return runCases("storage", subject, storageCases, () => openContext(factory), options);
}

/** Runs one case, for those who map cases onto a test runner. Never rejects. */
export function runStorageCase(one: StorageCase, factory: StorageFactory, timeout?: number): Promise<CaseResult> {
  return runCase(one, () => openContext(factory), timeout);
}

/**
 * The adapter test kit, for authors of adapters: `runStorageConformance(() => myBackend())` tells whether every promise
 * of the SPI is kept; `runDatabaseConformance` asks the same of a database. `renderReport()` makes text of the answer; the answer itself is plain data.
 */
export { type Case, ConformanceFailure } from "./case.ts";
export { type DatabaseContext, databaseCases, runDatabaseConformance } from "./database.ts";
export { type CaseResult, type Report, type RunOptions, renderReport } from "./report.ts";
export { runStorageCase, runStorageConformance, storageCases } from "./storage.ts";
export type { StorageCase, StorageContext, StorageFactory } from "./storage_context.ts";

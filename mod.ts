/** The library's door. */
export { type LocalRegistry, type OpenLocalOptions, openLocal } from "./adapters/local.ts";
export * from "./core/mod.ts";

export * from "./chain.ts";
export * from "./codec.ts";
export * from "./types.ts";

import type { Runtime, Signal } from "../../core/spi/runtime.ts";

const INTERRUPTS: readonly Signal[] = ["SIGINT", "SIGTERM"];

export function createBunRuntime(): Omit<Runtime, "serve"> {
  return {
    name: "bun",
    version: Bun.version,
    args: process.argv.slice(2),
    env: { ...process.env },
    cwd: () => process.cwd(),
    onSignal(handler, signals = INTERRUPTS) {
      for (const signal of signals) process.on(signal, handler);
      return () => {
        for (const signal of signals) process.off(signal, handler);
      };
    },
    exit: (code) => process.exit(code),
  };
}

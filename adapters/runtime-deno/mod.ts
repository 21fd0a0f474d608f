import type { Runtime, Signal } from "../../core/spi/runtime.ts";

/** The part of Deno's global that is used here: the type checker knows Bun's and Node's globals only. */
interface DenoGlobal {
  readonly version: { readonly deno: string };
  readonly args: readonly string[];
  readonly env: { toObject(): Record<string, string> };
  cwd(): string;
  exit(code: number): never;
  addSignalListener(signal: Signal, handler: () => void): void;
  removeSignalListener(signal: Signal, handler: () => void): void;
}

const INTERRUPTS: readonly Signal[] = ["SIGINT", "SIGTERM"];

export function createDenoRuntime(): Omit<Runtime, "serve"> {
  const deno = (globalThis as unknown as { Deno: DenoGlobal }).Deno;
  return {
    name: "deno",
    version: deno.version.deno,
    args: deno.args,
    env: deno.env.toObject(),
    cwd: () => deno.cwd(),
    onSignal(handler, signals = INTERRUPTS) {
      const added = signals.map((signal) => ({ signal, listener: () => handler(signal) }));
      for (const { signal, listener } of added) deno.addSignalListener(signal, listener);
      return () => {
        for (const { signal, listener } of added) deno.removeSignalListener(signal, listener);
      };
    },
    exit: (code) => deno.exit(code),
  };
}

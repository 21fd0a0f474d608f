/** Starts `registry_child.ts` and gives what it prints. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { DatabaseTarget } from "./targets.ts";

export function runChild<T>(where: DatabaseTarget, ...args: readonly string[]): Promise<T> {
  const script = join(import.meta.dirname, "registry_child.ts");
  const child = spawn(process.execPath, [script, where.kind, where.url, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("exit", (code) =>
      code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`The child ended with ${code}`)),
    );
  });
}

import { readFileSync } from "node:fs";

/** Of a process, in bytes, by its name in /proc (Linux). 0 where it has gone. */
export function memoryOf(pid: number, field: "VmHWM" | "VmRSS"): number {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return 0;
  }
  const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status) ?? [];
  return Number(kib ?? 0) * 1024;
}

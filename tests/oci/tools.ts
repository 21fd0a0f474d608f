/** The clients: from the system, or built by the Go toolchain into a cache beside the packages. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { PROJECT } from "../soak/rig.ts";

/** Debian packages; .ci/run installs them. */
const SYSTEM = ["skopeo", "podman", "buildah"] as const;
const MODULES = {
  crane: "github.com/google/go-containerregistry/cmd/crane@v0.22.1",
  regctl: "github.com/regclient/regclient/cmd/regctl@v0.11.7",
} as const;
/** Programs of this project over the library beneath a client that is not to be had as a module. */
const SOURCES = { "oras-go": join(import.meta.dirname, "oras-go") } as const;
/** From the path, where somebody has put them: neither Debian nor the module proxy has them. */
const BROUGHT = ["oras"] as const;

export type ToolName = (typeof SYSTEM)[number] | (typeof BROUGHT)[number] | keyof typeof MODULES | keyof typeof SOURCES;
export const TOOLS: readonly ToolName[] = ["skopeo", "podman", "buildah", "crane", "regctl", "oras", "oras-go"];
const CACHE = join(PROJECT, "node_modules/.cache/artifactstore-oci");
const MINUTES = 10;

/** Where it lies, or why it is not here. */
export function findTool(name: ToolName): { readonly path: string } | { readonly missing: string } {
  if (SYSTEM.some((known) => known === name)) {
    const found = Bun.which(name);
    return found === null ? { missing: `not installed (Debian package ${name})` } : { path: found };
  }
  if (BROUGHT.some((known) => known === name)) {
    const found = Bun.which(name);
    return found === null ? { missing: "not on the path (its library is driven by oras-go)" } : { path: found };
  }
  if (name in SOURCES) return build(name, CACHE, ["build", "-o", join(CACHE, name), "."], SOURCES[name as "oras-go"]);
  const module = MODULES[name as keyof typeof MODULES];
  const folder = join(CACHE, module.slice(module.lastIndexOf("@") + 1));
  return build(name, folder, ["install", module], PROJECT);
}

function build(name: string, folder: string, args: string[], cwd: string): ReturnType<typeof findTool> {
  const path = join(folder, name);
  // A source of this project may have changed; the toolchain knows what it need not do again.
  if (args[0] === "install" && existsSync(path)) return { path };
  if (Bun.which("go") === null) return { missing: "no Go toolchain here to build it" };
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, GOBIN: folder, GOFLAGS: "", CGO_ENABLED: "0" };
  const ran = spawnSync("go", args, { cwd, env, encoding: "utf8", timeout: MINUTES * 60_000, killSignal: "SIGKILL" });
  if (ran.status === 0) return { path };
  rmSync(path, { force: true });
  return { missing: `go ${args.join(" ")} failed: ${ran.error?.message ?? ran.stderr.trim().split("\n").at(-1)}` };
}

/** What a client prints. Throws with what it complains of. */
export type Run = (...args: readonly string[]) => string;

/** @param home a folder for its settings and files: those of whoever runs this are not used */
export function runner(path: string, home: string, first: readonly string[] = []): Run {
  for (const below of ["tmp", "run"]) mkdirSync(join(home, below), { recursive: true });
  writeFileSync(join(home, "config.json"), "{}");
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    TMPDIR: join(home, "tmp"),
    XDG_RUNTIME_DIR: join(home, "run"),
    DOCKER_CONFIG: home,
    REGCTL_CONFIG: join(home, "regctl.json"),
  };
  return (...args) => {
    const all = [...first, ...args];
    const ran = spawnSync(path, all, { cwd: home, env, encoding: "utf8", timeout: 120_000, killSignal: "SIGKILL" });
    if (ran.status === 0) return ran.stdout;
    const said = (ran.error?.message ?? ran.stderr).trim().split("\n").slice(-6).join("\n  ");
    throw new Error(`${path.split("/").at(-1)} ${args.join(" ")}: ended with ${ran.status ?? ran.signal}\n  ${said}`);
  };
}

/** Version and commit of this program: put in by the scripts that build it, or found out from the checkout. */
import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import pkg from "../package.json" with { type: "json" };

// Replaced by `bun build --define`; they do not exist otherwise.
declare const ARTIFACTSTORE_BUILD_VERSION: string | undefined;
declare const ARTIFACTSTORE_BUILD_COMMIT: string | undefined;

export interface Version {
  readonly version: string;
  /** Twelve digits, `-dirty` appended when the checkout differs from that commit; `unknown` outside a checkout. */
  readonly commit: string;
}

/** In the package.json of the published package; see `scripts/build_package.ts`. */
const published = (pkg as { readonly gitHead?: string }).gitHead;

let known: Version | undefined;

export function version(): Version {
  known ??= {
    version: typeof ARTIFACTSTORE_BUILD_VERSION === "string" ? ARTIFACTSTORE_BUILD_VERSION : pkg.version,
    commit:
      typeof ARTIFACTSTORE_BUILD_COMMIT === "string" ? ARTIFACTSTORE_BUILD_COMMIT : (published ?? commitOfCheckout()),
  };
  return known;
}

export function commitOfCheckout(): string {
  try {
    const root = realpathSync(fileURLToPath(new URL("..", import.meta.url)));
    const git = (...args: string[]) =>
      execFileSync("git", ["-C", root, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    // Installed below somebody else's repository, git would answer with that repository's commit.
    if (realpathSync(git("rev-parse", "--show-toplevel")) !== root) return "unknown";
    return git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*");
  } catch {
    return "unknown";
  }
}

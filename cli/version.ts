/** Version and commit of this program: put in by the scripts that build it, or found out from the checkout. */
import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pkg from "../package.json" with { type: "json" };

// Replaced by `bun build --define`; they do not exist otherwise.
declare const ARTIFACTSTORE_BUILD_VERSION: string | undefined;
declare const ARTIFACTSTORE_BUILD_COMMIT: string | undefined;

export interface Version {
  readonly version: string;
  /** Twelve digits, `-dirty` appended when the checkout differs from that commit; `unknown` outside a checkout. */
  readonly commit: string;
}

export const versionNumber: string =
  typeof ARTIFACTSTORE_BUILD_VERSION === "string" ? ARTIFACTSTORE_BUILD_VERSION : pkg.version;

/** In the package.json of the published package; see `scripts/build_package.ts`. */
const published = (pkg as { readonly gitHead?: string }).gitHead;

let known: Promise<Version> | undefined;

/** Whoever will want it soon calls it early: git works meanwhile. */
export function version(): Promise<Version> {
  known ??= findCommit().then((commit) => ({ version: versionNumber, commit }));
  return known;
}

async function findCommit(): Promise<string> {
  if (typeof ARTIFACTSTORE_BUILD_COMMIT === "string") return ARTIFACTSTORE_BUILD_COMMIT;
  return published ?? (await commitOfCheckout());
}

async function commitOfCheckout(): Promise<string> {
  try {
    const root = realpathSync(fileURLToPath(new URL("..", import.meta.url)));
    const git = async (...args: string[]) =>
      (await promisify(execFile)("git", ["-C", root, ...args], { encoding: "utf8" })).stdout.trim();
    const [top, commit] = await Promise.all([
      git("rev-parse", "--show-toplevel"),
      git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"),
    ]);
    // Installed below somebody else's repository, git would answer with that repository's commit.
    return realpathSync(top) === root ? commit : "unknown";
  } catch {
    return "unknown";
  }
}

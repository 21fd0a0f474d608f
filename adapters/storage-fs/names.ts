/** How a file gets the name that is its key. None of this is durable before the directories are synced. */
import { type Blocking, soon } from "./blocking.ts";
import { causeCode } from "./errors.ts";
import * as system from "./system.ts";

/** What link(2) answers where the file system has no hard links, or no more for this file. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

export interface Names {
  /** A second name for the file. False where somebody has it already, or there are no hard links. */
  claim(path: string, to: string): Promise<boolean>;
  /**
   * The name, whoever has it. The file keeps its own name `path` if there is a `spare` one for the way, and hard links.
   * By rename(2), since link(2) would not replace what is there.
   */
  replace(path: string, to: string, spare: string | undefined): Promise<void>;
  /** Never rejects: what cannot be removed is a leftover. */
  drop(path: string): Promise<void>;
}

export function createNames(writing: Blocking): Names {
  const rename = (from: string, to: string) =>
    soon(
      writing,
      () => system.renameSync(from, to),
      () => system.rename(from, to),
    );
  const link = (from: string, to: string) =>
    soon(
      writing,
      () => system.linkSync(from, to),
      () => system.link(from, to),
    );
  const drop = (path: string) =>
    soon(
      writing,
      () => system.unlinkSync(path),
      () => system.unlink(path),
    ).catch(() => {});

  async function claim(path: string, to: string): Promise<boolean> {
    try {
      await link(path, to);
      return true;
    } catch (error) {
      const code = causeCode(error) ?? "";
      if (code === "EEXIST" || NO_LINKS.has(code)) return false;
      throw error;
    }
  }

  async function replace(path: string, to: string, spare: string | undefined): Promise<void> {
    if (spare === undefined) return await rename(path, to);
    try {
      await link(path, spare);
    } catch (error) {
      if (!NO_LINKS.has(causeCode(error) ?? "")) throw error;
      return await rename(path, to);
    }
    try {
      await rename(spare, to);
    } finally {
      // Between two names of one file it does nothing, so after a repetition the spare one is still there.
      await drop(spare);
    }
  }

  return { claim, replace, drop };
}

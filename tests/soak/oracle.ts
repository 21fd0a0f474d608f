/**
 * What was promised. A process apart from the one that is killed, with its list (synced) apart from the disk that is
 * cut: it hears of every operation before it begins and after it was acknowledged, and so knows for each path what may
 * be there, and what must.
 */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

/** One line from a worker. Content is named by its SHA-256; an empty directory is `directory`. */
export type Report =
  | { readonly t: "opened" }
  | { readonly t: "created"; readonly package: string; readonly name: string }
  | {
      readonly t: "begin";
      readonly id: string;
      readonly package: string;
      readonly path: string;
      /** What the path will hold; `null`: nothing. */
      readonly content: string | null;
    }
  | { readonly t: "finalizing"; readonly package: string }
  | { readonly t: "finalized"; readonly package: string; readonly manifest: string }
  | { readonly t: "ack"; readonly id: string }
  /** Refused with a code; what it was to change may have changed all the same (a COMMIT without an answer). */
  | { readonly t: "failed"; readonly id: string; readonly code: string }
  /** Something that was not a RegistryError: a bug, whatever the disk did. */
  | { readonly t: "broken"; readonly message: string };

export interface KnownPackage {
  readonly name: string;
  /** By path: every content that may be there, `null` for none. One element: it must be that. */
  readonly files: Map<string, Set<string | null>>;
  state: "open" | "finalizing" | "finalized";
  /** False: nobody heard that it was made in time, so it may be missing. */
  certain: boolean;
  manifest?: string;
}

export class Oracle {
  readonly packages = new Map<string, KnownPackage>();
  /** Packages that the latest run spoke of. */
  readonly touched = new Set<string>();
  readonly broken: string[] = [];
  readonly codes = new Map<string, number>();
  acknowledged = 0;
  /**
   * The power is gone: what is acknowledged from now on reached nobody. (A sync that is under way while ext4 is shut
   * down can report success for a transaction that was thrown away; in a real cut nobody lives to hear it.)
   */
  deaf = false;
  readonly #pending = new Map<string, { readonly package: string; readonly path: string; content: string | null }>();
  readonly #list: number;
  #rest = "";

  /** `path`: where the list is kept; off the disk that is cut. */
  constructor(path: string) {
    this.#list = openSync(path, "a", 0o600);
  }

  /** Output of a worker, as it arrives. */
  hear(chunk: string): void {
    writeSync(this.#list, chunk);
    fsyncSync(this.#list);
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.note(JSON.parse(line) as Report);
  }

  /** A worker's last words may be half a line: it acknowledged nothing. */
  forgetHalfLine(): void {
    this.deaf = false;
    this.#rest = "";
    this.#pending.clear();
  }

  note(report: Report): void {
    switch (report.t) {
      case "opened":
        return;
      case "created":
        this.packages.set(report.package, {
          name: report.name,
          files: new Map(),
          state: "open",
          certain: !this.deaf,
        });
        this.touched.add(report.package);
        this.#count();
        return;
      case "begin": {
        this.#pending.set(report.id, report);
        const { files } = this.#known(report.package);
        const may = files.get(report.path) ?? new Set([null]);
        files.set(report.path, new Set([...may, report.content]));
        return;
      }
      case "ack": {
        const done = this.#pending.get(report.id);
        if (done === undefined) throw new Error(`an answer to nothing: ${report.id}`);
        this.#pending.delete(report.id);
        if (!this.deaf) this.#known(done.package).files.set(done.path, new Set([done.content]));
        this.#count();
        return;
      }
      case "failed":
        this.codes.set(report.code, (this.codes.get(report.code) ?? 0) + 1);
        return;
      case "finalizing":
        this.#known(report.package).state = "finalizing";
        return;
      case "finalized": {
        const known = this.#known(report.package);
        if (!this.deaf) Object.assign(known, { state: "finalized", manifest: report.manifest });
        this.#count();
        return;
      }
      case "broken":
        this.broken.push(report.message);
        return;
    }
  }

  /** What was uncertain has been looked at: from now on it must stay so. */
  settle(packageId: string, path: string, content: string | null): void {
    this.#known(packageId).files.set(path, new Set([content]));
  }

  close(): void {
    closeSync(this.#list);
  }

  #count(): void {
    if (!this.deaf) this.acknowledged += 1;
  }

  #known(packageId: string): KnownPackage {
    const known = this.packages.get(packageId);
    if (known === undefined) throw new Error(`a worker spoke of a package that it had not created: ${packageId}`);
    return known;
  }
}

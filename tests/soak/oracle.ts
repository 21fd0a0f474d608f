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
  /** Changes that happen together: what each fact (a blob, manifest or tag of a repository) will be; `null`: nothing. */
  | {
      readonly t: "facts";
      readonly id: string;
      readonly facts: readonly (readonly [fact: string, value: string | null])[];
    }
  | {
      readonly t: "upload";
      readonly upload: string;
      readonly repository: string;
      readonly digest: string;
      /** Of its content, for `bytesOf`. */
      readonly recipe: readonly [seed: number, length: number];
    }
  /** Bytes up to there are about to leave. */
  | { readonly t: "sending"; readonly upload: string; readonly to: number }
  | { readonly t: "offset"; readonly upload: string; readonly offset: number }
  /** About to be completed; and it was. */
  | { readonly t: "closing" | "ended"; readonly upload: string }
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

/** An upload into a repository, not known to have ended. */
export interface KnownUpload {
  readonly repository: string;
  readonly digest: string;
  readonly recipe: readonly [seed: number, length: number];
  /** False: nobody heard of it in time. */
  readonly certain: boolean;
  promised: number;
  sent: number;
  closing: boolean;
}

export class Oracle {
  readonly packages = new Map<string, KnownPackage>();
  /** By fact: everything that it may be. */
  readonly facts = new Map<string, Set<string | null>>();
  readonly touchedFacts = new Set<string>();
  /** Facts that were to become nothing, ever: a manifest may lack such a blob. */
  readonly removed = new Set<string>();
  readonly uploads = new Map<string, KnownUpload>();
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
  readonly #pending = new Map<string, Extract<Report, { t: "begin" | "facts" }>>();
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
      case "facts":
        this.#pending.set(report.id, report);
        for (const [fact, value] of report.facts) {
          this.facts.set(fact, new Set([...(this.facts.get(fact) ?? [null]), value]));
          this.touchedFacts.add(fact);
          if (value === null) this.removed.add(fact);
        }
        return;
      case "upload": {
        const { upload, t: _, ...what } = report;
        this.uploads.set(upload, { ...what, certain: !this.deaf, promised: 0, sent: 0, closing: false });
        return;
      }
      case "sending":
      case "offset":
      case "closing":
      case "ended":
        this.#noteUpload(report);
        return;
      case "ack": {
        const done = this.#pending.get(report.id);
        if (done === undefined) throw new Error(`an answer to nothing: ${report.id}`);
        this.#pending.delete(report.id);
        if (done.t === "facts") {
          if (!this.deaf) for (const [fact, value] of done.facts) this.facts.set(fact, new Set([value]));
        } else if (!this.deaf) this.#known(done.package).files.set(done.path, new Set([done.content]));
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

  #noteUpload(report: Extract<Report, { t: "sending" | "offset" | "closing" | "ended" }>): void {
    const known = this.uploads.get(report.upload);
    if (known === undefined) return;
    if (report.t === "sending") known.sent = Math.max(known.sent, report.to);
    else if (report.t === "closing") known.closing = true;
    // Not heard in time: it stands where it was last heard to stand.
    else if (this.deaf) return;
    else if (report.t === "offset") known.promised = report.offset;
    else this.uploads.delete(report.upload);
  }

  settleFact(fact: string, value: string | null): void {
    this.facts.set(fact, new Set([value]));
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

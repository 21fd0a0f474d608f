/** Copies of the program in which one thing is wrong: what a run must not overlook. */
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT, workspace } from "./rig.ts";

export interface Mutation {
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Its server is killed again and again. */
  readonly killed: boolean;
  /** What is complained about. */
  readonly shows: RegExp;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    what: "answers before it commits",
    file: "core/ledger/commit.ts",
    from: "appended = run.appended;",
    to: "appended = run.appended; answer(run.outcomes); await new Promise((resolve) => setTimeout(resolve, 30));",
    killed: true,
    shows: /phase [1-9].*(should be|may be|expected was|lost|lacks|is missing|is here)/s,
  },
  {
    what: "leaves what a deleted manifest named",
    file: "core/views/oci_manifests.ts",
    from: '.deleteFrom("oci_references")',
    to: '.deleteFrom("oci_references").where("manifest", "=", "")',
    killed: false,
    shows: /replay --check .*oci_references/s,
  },
  {
    what: "leaves the tags of a deleted manifest",
    file: "core/oci/delete_manifest.ts",
    from: "payload: { digest, tags } }",
    to: "payload: { digest, tags: [] } }",
    killed: false,
    shows: /is not there|and the list says|are named, and|should be/,
  },
];

const LEFT_OUT = new Set(["node_modules", ".git", "tests", "dist", "build", "workplans"]);

/** Answers where it lies, with a "/" at the end. */
export function makeMutant({ file, from, to }: Mutation): string {
  const root = workspace("mutant");
  for (const name of readdirSync(PROJECT)) {
    if (!LEFT_OUT.has(name)) cpSync(join(PROJECT, name), join(root, name), { recursive: true });
  }
  symlinkSync(join(PROJECT, "node_modules"), join(root, "node_modules"));
  const path = join(root, file);
  const text = readFileSync(path, "utf8");
  if (text.split(from).length !== 2) throw new Error(`${file} has changed: the mutation of ${from} does not apply`);
  writeFileSync(path, text.replace(from, to));
  return `${root}/`;
}

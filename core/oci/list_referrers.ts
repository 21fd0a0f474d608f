/**
 * Spec, "Listing Referrers". Two sources, each in byte order of digests, merged: manifests that name the subject, and
 * those in the index under the tag that clients keep where a registry has no such list ("Referrers Tag Schema").
 */
import { sql } from "kysely";
import { authorize } from "../access/decide.ts";
import { parseJcsText } from "../base/jcs.ts";
import type { Caller } from "../spi/authenticator.ts";
import { loadOne } from "../views/loader.ts";
import { repositoryByName } from "../views/oci_repositories.ts";
import { tagByName } from "../views/oci_tags.ts";
import { selectByKeys } from "../views/statements.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, parseOciDigest } from "./names.ts";
import { checkLast, checkPageLimit, MAX_PAGE } from "./page.ts";
import type { ReferrerDescriptor } from "./types.ts";

/** A page is JSON of 4 MiB at most, as clients expect of an index; this leaves room for escapes. Bytes. */
const PAGE_BYTES = 3 * 1024 * 1024;
/** Of a descriptor besides its annotations. */
const DESCRIPTOR_BYTES = 700;

interface Row {
  readonly digest: string;
  readonly media_type: string;
  readonly size: number;
  readonly artifact_type: string | null;
  /** Bytes, or null. */
  readonly annotated: number | null;
}

interface Question {
  readonly repositoryId: string;
  readonly subject: string;
  readonly artifactType: string | undefined;
  readonly after: string;
  readonly count: number;
}

export async function listReferrers(
  deps: OciDeps,
  caller: Caller,
  input: {
    readonly repository: string;
    readonly digest: string;
    readonly artifactType?: string;
    readonly limit?: number;
    readonly after?: string;
  },
): Promise<{ readonly descriptors: readonly ReferrerDescriptor[]; readonly next?: string }> {
  authorize(caller, "oci:pull");
  const { repository: name, artifactType } = input;
  checkRepository(name);
  const subject = parseOciDigest(input.digest);
  const limit = checkPageLimit(input.limit ?? MAX_PAGE, 1);
  const after = checkLast(input.after);
  if (artifactType !== undefined) checkLast(artifactType);
  const db = deps.database.read;
  const found = await loadOne(db, repositoryByName, { tenant: caller.tenant, name });
  if (found === undefined) return { descriptors: [] };
  const { repository_id: repositoryId } = found;
  const question = { repositoryId, subject: subject.toString(), artifactType, after, count: limit + 1 };
  const tag = `${subject.algorithm}-${subject.hex.slice(0, 64)}`;
  const fallback = await loadOne(db, tagByName, { repositoryId, tag });
  const rows = merge(
    await bySubject(deps, question),
    fallback === undefined ? [] : await byIndex(deps, question, fallback.digest),
  );
  const page = takePage(rows, limit);
  const last = page.at(-1);
  return {
    descriptors: await describe(deps, repositoryId, page),
    ...(last === undefined || page.length === rows.length ? {} : { next: last.digest }),
  };
}

function rowsOf({ database }: OciDeps, { repositoryId, artifactType, after, count }: Question) {
  const annotated =
    database.kind === "sqlite"
      ? sql<number | null>`length(cast(annotations as blob))`
      : sql<number | null>`octet_length(annotations)`;
  const select = database.read
    .selectFrom("oci_manifests")
    .select(["digest", "media_type", "size", "artifact_type", annotated.as("annotated")])
    .where("repository_id", "=", repositoryId)
    .where("digest", ">", after)
    .orderBy("digest")
    .limit(count);
  return artifactType === undefined ? select : select.where("artifact_type", "=", artifactType);
}

async function bySubject(deps: OciDeps, question: Question): Promise<readonly Row[]> {
  return await rowsOf(deps, question).where("subject", "=", question.subject).execute();
}

/** An index has 10,000 entries at most (core/manifest/oci.ts). */
async function byIndex(deps: OciDeps, question: Question, index: string): Promise<readonly Row[]> {
  return await rowsOf(deps, question)
    .where("digest", "in", (eb) =>
      eb
        .selectFrom("oci_references")
        .select("oci_references.digest")
        .where("oci_references.repository_id", "=", question.repositoryId)
        .where("oci_references.manifest", "=", index)
        .where("oci_references.kind", "=", "manifest"),
    )
    .execute();
}

/** Each digest once, in order. */
function merge(a: readonly Row[], b: readonly Row[]): readonly Row[] {
  if (b.length === 0) return a;
  const all = new Map([...a, ...b].map((row) => [row.digest, row]));
  return [...all.values()].sort((x, y) => (x.digest < y.digest ? -1 : 1));
}

/** One at least. */
function takePage(rows: readonly Row[], limit: number): readonly Row[] {
  let bytes = 0;
  let taken = 0;
  for (const { annotated } of rows) {
    bytes += DESCRIPTOR_BYTES + Number(annotated ?? 0);
    if (taken === limit || (taken > 0 && bytes > PAGE_BYTES)) break;
    taken++;
  }
  return rows.slice(0, taken);
}

async function describe(
  { database }: OciDeps,
  repositoryId: string,
  page: readonly Row[],
): Promise<readonly ReferrerDescriptor[]> {
  const keys = page.filter(({ annotated }) => annotated !== null).map(({ digest }) => [repositoryId, digest]);
  const columns = ["digest", "annotations"] as const;
  const texts = await selectByKeys(database.read, "oci_manifests", columns, ["repository_id", "digest"], keys);
  const annotations = new Map(texts.map((row) => [row.digest, row.annotations]));
  return page.map(({ digest, media_type, size, artifact_type }) => {
    const text = annotations.get(digest) ?? null;
    return {
      mediaType: media_type,
      digest,
      size: Number(size),
      ...(artifact_type === null ? {} : { artifactType: artifact_type }),
      ...(text === null ? {} : { annotations: parseJcsText(text) as Readonly<Record<string, string>> }),
    };
  });
}

/** One tag as a log tells it: each change has to begin where the one before it ended. */
import { decodeCbor } from "../../../core/mod.ts";
import type { wholeLog } from "../../support/registry_fixture.ts";

interface Walk {
  /** What the tag pointed at from each event on; `null` for nothing. */
  readonly changes: readonly { readonly sequence: number; readonly digest: string | null }[];
  /** One line for each event that does not follow from those before it. */
  readonly broken: readonly string[];
}

/** For a log in which one repository has that tag, and is not deleted. */
export function walkTag(log: Awaited<ReturnType<typeof wholeLog>>, tag: string): Walk {
  let at: string | null = null;
  const changes = [];
  const broken = [];
  for (const { type, sequence, payload } of log) {
    if (payload === null || !/^v1\.oci\.(tag_(moved|deleted)|manifest_deleted)$/.test(type)) continue;
    const said = decodeCbor(payload) as { tag?: string; tags?: string[]; digest: string; previous?: string | null };
    const moved = type === "v1.oci.tag_moved";
    if (said.tag !== tag && !said.tags?.includes(tag)) {
      if (said.tags !== undefined && said.digest === at) broken.push(`${sequence} ${type} forgets ${tag} at ${at}`);
      continue;
    }
    const from = moved ? said.previous : said.digest;
    if (from !== at) broken.push(`${sequence} ${type} begins at ${from}, the last one ended at ${at}`);
    at = moved ? said.digest : null;
    changes.push({ sequence, digest: at });
  }
  return { changes, broken };
}

/** After the restart: images as they were promised, and uploads where they were told to be. */
import {
  type Caller,
  type Database,
  isRegistryError,
  localCaller,
  messageOf,
  type Registry,
  type Tables,
} from "../../core/mod.ts";
import { digestOf } from "../support/oci_images.ts";
import { bytesOf, pieces, sha256 } from "./load.ts";
import type { KnownUpload, Oracle } from "./oracle.ts";

/** Who pushed: uploads are theirs. */
const pusher: Caller = localCaller("worker");

/** Answers how many facts it looked at. */
export async function checkImages(
  { registry, database }: { readonly registry: Registry; readonly database: Database<Tables> },
  oracle: Oracle,
  { all, powerCut = false }: { readonly all: boolean; readonly powerCut?: boolean },
  problems: string[],
): Promise<number> {
  for (const [id, upload] of oracle.uploads) {
    const certain = upload.certain && (!powerCut || upload.promised > 0);
    await endUpload(registry, oracle, id, { ...upload, certain }, problems);
  }
  oracle.uploads.clear();
  // Those whose creation nobody heard of, as if a day had passed.
  await database.write((trx) =>
    trx
      .updateTable("upload_sessions")
      .set({ expires_at: "2000-01-01T00:00:00.000Z" })
      .where("state", "!=", "completed")
      .execute(),
  );
  const facts = all ? [...oracle.facts.keys()] : [...oracle.touchedFacts];
  oracle.touchedFacts.clear();
  for (const fact of facts) {
    const seen = await look(registry, oracle, fact, problems);
    const may = oracle.facts.get(fact) ?? new Set();
    if (!may.has(seen)) problems.push(`${fact} is ${seen}, promised was ${[...may].join(" or ")}`);
    else oracle.settleFact(fact, seen);
  }
  return facts.length;
}

/** The digest of what is there, read to its end; `null` for nothing. */
async function look(registry: Registry, oracle: Oracle, fact: string, problems: string[]): Promise<string | null> {
  const [kind, repository = "", name = ""] = fact.split(" ");
  try {
    if (kind === "blob") return await readBlob(registry, repository, name);
    const { bytes, digest } = await registry.oci.getManifest(pusher, { repository, reference: name });
    if (digestOf(bytes) !== digest) problems.push(`${fact} has other bytes than ${digest}`);
    if (kind === "manifest") await checkBlobs(registry, oracle, repository, bytes, problems);
    return digest;
  } catch (error) {
    const absent = ["blob_not_found", "manifest_not_found", "repository_not_found"] as const;
    if (absent.some((code) => isRegistryError(error, code))) return null;
    problems.push(`${fact} cannot be read: ${messageOf(error)}`);
    return null;
  }
}

async function readBlob(registry: Registry, repository: string, digest: string): Promise<string> {
  const blob = await registry.oci.findBlob(pusher, { repository, digest });
  const { body } = await blob.open();
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk.slice());
  return `sha256:${sha256(Buffer.concat(chunks))}`;
}

/** A manifest that is there can be pulled whole, but for what was deleted on purpose. */
async function checkBlobs(
  registry: Registry,
  oracle: Oracle,
  repository: string,
  manifest: Uint8Array,
  problems: string[],
): Promise<void> {
  const { config, layers } = JSON.parse(new TextDecoder().decode(manifest)) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  for (const { digest } of [config, ...layers]) {
    if (oracle.removed.has(`blob ${repository} ${digest}`)) continue;
    try {
      await registry.oci.findBlob(pusher, { repository, digest });
    } catch (error) {
      problems.push(`a manifest in ${repository} is there, and its blob ${digest} is not: ${messageOf(error)}`);
    }
  }
}

/** It stands at a true offset, and goes on from there to its end; or it was ended already, and says so again. */
async function endUpload(
  registry: Registry,
  oracle: Oracle,
  uploadId: string,
  { repository, digest, recipe, certain, promised, sent, closing }: KnownUpload,
  problems: string[],
): Promise<void> {
  const complain = (what: string) => problems.push(`upload ${uploadId}: ${what}`);
  const content = bytesOf(...recipe);
  let offset: number | undefined;
  try {
    ({ offset } = await registry.oci.getUpload(pusher, { repository, uploadId }));
  } catch (error) {
    if (!isRegistryError(error, "upload_not_found")) return void complain(`cannot be asked: ${messageOf(error)}`);
    if (!certain) return;
    if (!closing) return void complain(`is lost at ${promised} of ${content.length} bytes`);
  }
  if (offset !== undefined && (offset < promised || offset > sent)) {
    complain(`stands at ${offset}; promised was ${promised}, sent were ${sent} bytes`);
  }
  try {
    const rest = content.subarray(offset ?? content.length);
    await registry.oci.completeUpload(pusher, {
      ...{ repository, uploadId, digest },
      ...(rest.length > 0 && offset !== undefined && { offset, source: pieces(rest) }),
    });
    oracle.settleFact(`blob ${repository} ${digest}`, digest);
    oracle.touchedFacts.add(`blob ${repository} ${digest}`);
  } catch (error) {
    complain(`cannot be ended at ${offset}, promised was ${promised}: ${messageOf(error)}`);
  }
}

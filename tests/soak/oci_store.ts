/** The store around the images: a package of the same contents, and the command line beside the server. */

import { cli, type RuntimeName } from "../cli/support.ts";
import { flagsFor } from "../e2e/bad_days.ts";
import { sha256 } from "./load.ts";
import type { Content } from "./oci_content.ts";
import type { Oracle } from "./oracle.ts";
import type { Place } from "./worker.ts";

/** Finalised. Its files are blobs as well: whatever happens to those, it stays whole. */
export async function putPackage(url: string, oracle: Oracle, contents: readonly Content[]): Promise<void> {
  const name = "beside/images";
  const made = await answered(
    await fetch(`${url}/packages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name, retention_class: "working" }),
    }),
  );
  const id = made.package_id ?? "";
  oracle.note({ t: "created", package: id, name });
  for (const [i, content] of contents.entries()) {
    const [path, change] = [`file-${i}`, `${id} ${i}`];
    oracle.note({ t: "begin", id: change, package: id, path, content: sha256(content.bytes()) });
    await answered(await fetch(`${url}/packages/${id}/files/${path}`, { method: "PUT", body: content.bytes() }));
    oracle.note({ t: "ack", id: change });
  }
  oracle.note({ t: "finalizing", package: id });
  const { manifest_digest: manifest = "" } = await answered(
    await fetch(`${url}/packages/${id}/finalize`, { method: "POST" }),
  );
  oracle.note({ t: "finalized", package: id, manifest });
}

async function answered(response: Response): Promise<Record<string, string>> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, string>;
}

/** `replay --check` and `events verify`, while the server has the store open. Answers what they find. */
export async function lookBeside(place: Place, runtime: RuntimeName): Promise<string[]> {
  const problems: string[] = [];
  for (const command of [
    ["replay", "--check"],
    ["events", "verify"],
  ]) {
    const { code, stdout, stderr } = await cli([...command, ...flagsFor(place)], { runtime });
    if (code !== 0) problems.push(`${command.join(" ")} ended with ${code}: ${stdout}${stderr}`);
  }
  return problems;
}

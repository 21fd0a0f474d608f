/** A store with something of each kind in it, and the dictionaries that tell schemathesis of it. */
import { createHash } from "node:crypto";

const PACKAGES = 24;
const UPLOADS = 12;
const REPOSITORIES = Array.from({ length: 40 }, (_, at) => `team/more/${at}`);

async function ask(url: string, method: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
  const isJson = body !== undefined && typeof body !== "string";
  const response = await fetch(url, {
    method,
    headers: { ...(isJson && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: isJson ? JSON.stringify(body) : body }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} was answered with ${response.status}: ${text}`);
  return (text === "" ? {} : JSON.parse(text)) as Record<string, string>;
}

/** The tables of a configuration, TOML. */
export async function seedStore(url: string): Promise<string> {
  const paths = ["results/junit.xml", "a b/é.txt", "empty"];
  const packages: string[] = [];
  const uploads: string[] = [];
  const addresses = new Set<string>();
  await ask(`${url}/metadata-schemas/any/1`, "PUT", { type: "object" });
  for (let at = 0; at < PACKAGES; at++) {
    const made = await ask(`${url}/packages`, "POST", {
      name: "team/app",
      retention_class: "working",
      metadata: { branch: "main" },
      external_refs: [{ system: "jira", id: "AS-12" }],
      ...(at === 0 && { version: "1.0" }),
    });
    const id = made.package_id as string;
    packages.push(id);
    for (const path of paths) {
      const target = `${url}/packages/${id}/files/${encodeURIComponent(path)}`;
      addresses.add((await ask(target, "PUT", path === "empty" ? "" : path.repeat(9))).content_address as string);
    }
    // Some that are closed, so that there are manifests.
    if (at % 4 === 0) await ask(`${url}/packages/${id}/finalize`, "POST");
    else if (uploads.length < UPLOADS) {
      const query = new URLSearchParams({ package_id: id, path: `upload-${at}` });
      const upload = await ask(`${url}/uploads?${query}`, "POST", "", { "upload-complete": "?0" });
      uploads.push(upload.upload_id as string);
    }
  }
  await seedImage(`${url}/v2/team/image`);
  // Others than that one may be deleted.
  for (const name of REPOSITORIES) await seedImage(`${url}/v2/${name}`);
  const { sequence } = await ask(`${url}/events/head`, "GET");
  const list = (values: Iterable<string>) => JSON.stringify([...values]);
  const some = (dictionary: string, probability = 0.7) =>
    `{ dictionary = "${dictionary}", probability = ${probability} }`;
  // Were all of them closed and given up, there would soon be nothing left to add to.
  const closing = packages.slice(0, 6);
  return `
[dictionaries]
packages.values = ${list([...packages, "team/app@1.0"])}
closing.values = ${list(closing)}
uploads.values = ${list(uploads)}
paths.values = ${list([...paths, "new", "new/a", "results/new.xml"])}
new_paths.values = ${list(Array.from({ length: 40 }, (_, at) => `new/${at}`))}
objects.values = ${list(addresses)}
classes.values = ["working", "transient", "standard-evidence", "release-evidence", "permanent-record"]
schemas.values = ["any/1"]
unknown_digests.values = ["md5=:AAAA:"]
codings.values = ["identity"]
offsets.values = [0]
repositories.values = ["team/image"]
more_repositories.values = ${list(REPOSITORIES)}
tags.values = ["1.0"]
points.values = [${sequence}]
references.values = ["1.0"]
types.values = ["application/json", "application/cbor", "text/event-stream", "application/zip", "application/x-tar", "*/*"]

[parameters]
"path.id" = ${some("packages", 0.9)}
"path.path" = ${some("paths")}
"path.content_address" = ${some("objects")}
"query.package_id" = ${some("packages")}
"query.path" = ${some("paths")}
"body.retention_class" = ${some("classes")}
"body.metadata_schema" = ${some("schemas")}
"path.name" = ${some("more_repositories", 0.8)}
"path.tag" = ${some("tags", 0.8)}
"body.as_of" = ${some("points")}
"body.repository" = ${some("repositories", 0.9)}
"body.reference" = ${some("references", 0.9)}
"header.content-digest" = ${some("unknown_digests")}
"header.repr-digest" = ${some("unknown_digests")}
"header.content-encoding" = ${some("codings")}
"header.accept" = ${some("types")}
"header.upload-offset" = ${some("offsets")}

[[operations]]
include-operation-id = ["finalizePackage", "abandonPackage"]
parameters = { "path.id" = ${some("closing", 0.9)} }

[[operations]]
include-path = "/uploads/{id}"
parameters = { "path.id" = ${some("uploads", 0.9)} }

[[operations]]
include-operation-id = "putFile"
parameters = { "path.id" = ${some("packages", 0.9)}, "path.path" = ${some("new_paths", 0.8)} }
`;
}

/** An artifact of one blob, tagged. */
async function seedImage(repository: string): Promise<void> {
  const digest = `sha256:${createHash("sha256").update("{}").digest("hex")}`;
  await ask(`${repository}/blobs/uploads/?digest=${digest}`, "POST", "{}", {
    "content-type": "application/octet-stream",
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const config = { mediaType: "application/vnd.oci.empty.v1+json", digest, size: 2 };
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [config] });
  await ask(`${repository}/manifests/1.0`, "PUT", manifest, { "content-type": mediaType });
}

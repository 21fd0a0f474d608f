/** Clients that move what others built, as it is: every digest and byte has to survive. */

import { hash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { differences, type Layout, makeLayout, TAG } from "./layout.ts";
import { artifactstore, exchange } from "./layouts.ts";
import { equal, json, lines, type Scene, status } from "./scene.ts";
import type { Run } from "./tools.ts";

interface Copier {
  push(layout: Pick<Layout, "dir">, to: string): void;
  copy(from: string, to: string): void;
  /** Into an OCI layout. */
  pull(from: string, dir: string): void;
  digest(of: string): string;
  /** The bytes of a manifest. */
  manifest(of: string): string;
  tags(repository: string): string[];
  /** Only the tag goes; not all clients can. */
  deleteTag?(of: string): void;
  /** `of` has both: a tag and its digest. */
  deleteManifest(of: { readonly repository: string; readonly digest: string; readonly tag: string }): void;
}

const MIB = 1024 * 1024;

/** What all of them do. */
async function move(scene: Scene, copier: Copier): Promise<Layout | undefined> {
  const { name, host, home, step } = scene;
  const layout = makeLayout(join(home, "layout"), `${name} ${Date.now()}`, 5 * MIB);
  const [near, far] = [`${name}/images`, `${name}/copies/blobs/uploads`];
  const at = (repository: string, reference = `:${TAG}`) => `${host}/${repository}${reference}`;
  if (!(await step("pushes an index of two platforms", () => copier.push(layout, at(near))))) return undefined;
  await step("sees its digest", () => equal(copier.digest(at(near)), layout.digest));
  await step("reads its bytes by tag", () => equal(copier.manifest(at(near)), layout.index));
  await step("reads a manifest by digest", () => {
    const digest = layout.images[1] as string;
    equal(`sha256:${hash("sha256", copier.manifest(at(near, `@${digest}`)))}`, digest);
  });
  await step("pushes it again", () => copier.push(layout, at(near)));
  await step("pushes it under another tag", () => copier.push(layout, at(near, ":again")));
  await step("lists the tags", () => equal(copier.tags(at(near, "")), [TAG, "again"]));
  await step("pulls every byte", () => {
    copier.pull(at(near), join(home, "pulled"));
    equal(differences(layout, join(home, "pulled")), []);
  });
  await step("copies it to another repository", () => copier.copy(at(near), at(far)));
  await step("sees the same digest there", () => equal(copier.digest(at(far)), layout.digest));
  await step("pulls every byte of the copy", () => {
    copier.pull(at(far), join(home, "pulled-copy"));
    equal(differences(layout, join(home, "pulled-copy")), []);
  });
  const { deleteTag } = copier;
  if (deleteTag !== undefined) {
    await step("deletes a tag, and only that", async () => {
      deleteTag(at(near, ":again"));
      equal(copier.tags(at(near, "")), [TAG]);
      equal(await status(host, `${near}/manifests/${layout.digest}`), 200);
    });
  }
  await step("deletes a manifest with its tags", async () => {
    copier.deleteManifest({ repository: at(far, ""), digest: layout.digest, tag: TAG });
    equal(await status(host, `${far}/manifests/${TAG}`), 404);
    equal(await status(host, `${far}/manifests/${layout.digest}`), 404);
  });
  await step("still pulls what it was copied from", () => {
    copier.pull(at(near), join(home, "pulled-after"));
    equal(differences(layout, join(home, "pulled-after")), []);
  });
  await step("pushes again what was deleted", () => {
    copier.push(layout, at(far));
    equal(copier.digest(at(far)), layout.digest);
  });
  await exchange(scene, copier, layout, near);
  return layout;
}

interface Index {
  readonly manifests: readonly { readonly digest: string; readonly artifactType?: string }[];
}
const SBOM = "application/spdx+json";
const SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json";

export interface Attacher {
  attach(type: string, file: string, to: string): void;
  discover(of: string, type?: string): Index;
  read(of: string, type: string): string;
  /** With what refers to it. */
  copyAll(from: string, to: string): void;
}

/** An SBOM and a signature that refer to what is there, found, filtered, read and copied with it. */
export async function attach(
  { name, host, home, step }: Scene,
  client: Attacher,
  { repository, digest, copies }: { readonly repository: string; readonly digest: string; readonly copies: string },
): Promise<void> {
  const files = { [SBOM]: '{"spdxVersion":"SPDX-2.3"}', [SIGNATURE]: `signed: ${digest}` };
  const at = `${host}/${repository}:${TAG}`;
  for (const [type, content] of Object.entries(files)) {
    const file = join(home, type.replaceAll(/\W/g, "_"));
    writeFileSync(file, content);
    await step(`attaches ${type}`, () => client.attach(type, file, at));
  }
  const types = (index: Index) => index.manifests.map(({ artifactType }) => artifactType).toSorted();
  await step("discovers both", () => equal(types(client.discover(at)), [SBOM, SIGNATURE]));
  await step("discovers those of one type", () => equal(types(client.discover(at, SBOM)), [SBOM]));
  await step("finds them where the specification says", async () => {
    equal(types(await json<Index>(host, `${repository}/referrers/${digest}`)), [SBOM, SIGNATURE]);
    equal(
      types(await json<Index>(host, `${repository}/referrers/${digest}?artifactType=${encodeURIComponent(SBOM)}`)),
      [SBOM],
    );
  });
  await step("reads what was attached", () => equal(client.read(at, SIGNATURE), files[SIGNATURE]));
  const copy = `${host}/${name}/${copies}:${TAG}`;
  await step("copies it with what refers to it", () => {
    client.copyAll(at, copy);
    equal(types(client.discover(copy)), [SBOM, SIGNATURE]);
    equal(client.read(copy, SBOM), files[SBOM]);
  });
}

async function skopeo(scene: Scene): Promise<void> {
  const { run, step, host, home } = scene;
  const digest = (of: string) =>
    `sha256:${hash("sha256", run("inspect", "--raw", "--tls-verify=false", `docker://${of}`))}`;
  const layout = await move(scene, {
    push: ({ dir }, to) =>
      void run("copy", "--all", "--preserve-digests", "--dest-tls-verify=false", `oci:${dir}:${TAG}`, `docker://${to}`),
    copy: (from, to) =>
      void run(
        "copy",
        "--all",
        "--preserve-digests",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        `docker://${from}`,
        `docker://${to}`,
      ),
    pull: (from, dir) =>
      void run(
        "copy",
        "--all",
        "--preserve-digests",
        "--src-tls-verify=false",
        `docker://${from}`,
        `oci:${dir}:${TAG}`,
      ),
    digest,
    manifest: (of) => run("inspect", "--raw", "--tls-verify=false", `docker://${of}`),
    tags: (repository) => JSON.parse(run("list-tags", "--tls-verify=false", `docker://${repository}`)).Tags,
    deleteManifest: ({ repository, tag }) => void run("delete", "--tls-verify=false", `docker://${repository}:${tag}`),
  });
  if (layout === undefined) return;
  await step("inspects an image of one platform", () => {
    const seen = JSON.parse(
      run("--override-arch", "arm64", "inspect", "--tls-verify=false", `docker://${host}/skopeo/images:${TAG}`),
    );
    equal(seen.Architecture, "arm64");
    equal(seen.Digest, layout.digest);
  });
  await step("reads an archive that export-oci wrote", () => {
    const file = join(home, "exported.tar");
    artifactstore(home, host, ["export-oci", `skopeo/images:${TAG}`, file]);
    equal(run("inspect", "--raw", `oci-archive:${file}:${TAG}`), layout.index);
    run(
      "copy",
      "--all",
      "--preserve-digests",
      "--dest-tls-verify=false",
      `oci-archive:${file}:${TAG}`,
      `docker://${host}/skopeo/archive:${TAG}`,
    );
    equal(digest(`${host}/skopeo/archive:${TAG}`), layout.digest);
  });
  await step("converts to Docker's format, and pulls that", () => {
    const to = `docker://${host}/skopeo/docker:v2`;
    run(
      "copy",
      "--all",
      "--format=v2s2",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      `docker://${host}/skopeo/images:${TAG}`,
      to,
    );
    const { mediaType } = JSON.parse(run("inspect", "--raw", "--tls-verify=false", to)) as { mediaType: string };
    equal(mediaType, "application/vnd.docker.distribution.manifest.list.v2+json");
    run("copy", "--src-tls-verify=false", to, `dir:${join(home, "docker")}`);
  });
}

async function crane(scene: Scene): Promise<void> {
  const { step, host, home } = scene;
  const run = (command: string, ...args: string[]) => scene.run(command, "--insecure", ...args);
  const layout = await move(scene, {
    push: ({ dir }, to) => void run("push", dir, to),
    copy: (from, to) => void run("copy", from, to),
    pull: (from, dir) => void run("pull", "--format=oci", from, dir),
    digest: (of) => run("digest", of).trim(),
    manifest: (of) => run("manifest", of),
    tags: (repository) => lines(run("ls", repository)),
    deleteTag: (of) => void run("delete", of),
    deleteManifest: ({ repository, digest }) => void run("delete", `${repository}@${digest}`),
  });
  if (layout === undefined) return;
  const at = `${host}/crane/images:${TAG}`;
  await step("tags what is there", () => {
    run("tag", at, "newest");
    equal(run("digest", `${host}/crane/images:newest`).trim(), layout.digest);
  });
  await step("validates every layer", () => void run("validate", "--remote", at));
  await step("finds the repository in the catalog", () =>
    equal(lines(run("catalog", host)).includes("crane/images"), true),
  );
  await step("changes an image in place", () => {
    run("mutate", "--platform", "linux/amd64", "--label", "changed=yes", "--tag", `${host}/crane/images:changed`, at);
    equal(JSON.parse(run("config", `${host}/crane/images:changed`)).config.Labels.changed, "yes");
  });
  await step(
    "pulls the old tarball of docker save",
    () => void run("pull", "--platform", "linux/arm64", at, join(home, "image.tar")),
  );
}

/** Told that the registry speaks HTTP. */
export function regctlRun({ run, host }: Scene): Run {
  return (...args) => run("--host", `reg=${host},tls=disabled`, ...args);
}

async function regctl(scene: Scene): Promise<void> {
  const { step, host } = scene;
  const run = regctlRun(scene);
  const layout = await move(scene, {
    push: ({ dir }, to) => void run("image", "copy", `ocidir://${dir}:${TAG}`, to),
    copy: (from, to) => void run("image", "copy", from, to),
    pull: (from, dir) => void run("image", "copy", from, `ocidir://${dir}:${TAG}`),
    digest: (of) => run("image", "digest", of).trim(),
    manifest: (of) => run("manifest", "get", "--format", "raw-body", of),
    tags: (repository) => lines(run("tag", "ls", repository)),
    deleteTag: (of) => void run("tag", "rm", of),
    deleteManifest: ({ repository, digest }) => void run("manifest", "delete", `${repository}@${digest}`),
  });
  if (layout === undefined) return;
  await attach(scene, regctlAttacher(scene), { repository: "regctl/images", digest: layout.digest, copies: "signed" });
  await step("finds the repository in the catalog", () =>
    equal(lines(run("repo", "ls", host)).includes("regctl/images"), true),
  );
}

async function oras(scene: Scene): Promise<void> {
  const run = orasRun(scene);
  const layout = await move(scene, {
    push: ({ dir }, to) => void run("push", `${dir}:${TAG}`, to),
    copy: (from, to) => void run("copy", from, to),
    pull: (from, dir) => void run("pull", from, `${dir}:${TAG}`),
    digest: (of) => run("resolve", of).trim(),
    manifest: (of) => run("manifest", of),
    tags: (repository) => lines(run("tags", repository)),
    deleteManifest: ({ repository, digest }) => void run("delete", `${repository}@${digest}`),
  });
  if (layout === undefined) return;
  await attach(scene, orasAttacher(scene), {
    repository: `${scene.name}/images`,
    digest: layout.digest,
    copies: "signed",
  });
}

/** The words of `oras-go/main.go`; for the program, which has others, put into those. */
export function orasRun({ name, run, home }: Scene): Run {
  if (name !== "oras") return run;
  const http = "--plain-http";
  let reads = 0;
  const discover = (of: string, type?: string) => {
    const typed = type === undefined ? [] : ["--artifact-type", type];
    const said = JSON.parse(run("discover", http, "--format", "json", "--depth", "1", ...typed, of));
    return said.referrers as { digest: string; artifactType: string }[];
  };
  const words: Readonly<Record<string, (...args: string[]) => string>> = {
    push: (layout = "", to = "") => run("copy", "--from-oci-layout", "--to-plain-http", layout, to),
    pull: (from = "", layout = "") => run("copy", "--from-plain-http", "--to-oci-layout", from, layout),
    copy: (from = "", to = "") => run("copy", "--from-plain-http", "--to-plain-http", from, to),
    "copy-all": (from = "", to = "") => run("copy", "-r", "--from-plain-http", "--to-plain-http", from, to),
    resolve: (of = "") => run("resolve", http, of),
    manifest: (of = "") => run("manifest", "fetch", http, of),
    tags: (repository = "") => run("repo", "tags", http, repository),
    delete: (of = "") => run("manifest", "delete", "--force", http, of),
    attach: (to = "", type = "", file = "") =>
      run("attach", http, "--artifact-type", type, to, `${relative(home, file)}:${type}`),
    discover: (of = "", type?: string) => JSON.stringify({ manifests: discover(of, type) }),
    restore: (of = "", to = "") => run("pull", http, "--output", to, of),
    read(of = "", type = "") {
      const to = join(home, `read-${reads++}`);
      run("pull", http, "--output", to, `${of.slice(0, of.lastIndexOf(":"))}@${discover(of, type)[0]?.digest}`);
      return readFileSync(join(to, readdirSync(to)[0] as string), "utf8");
    },
  };
  return (word, ...args) => (words[word as string] as (...args: string[]) => string)(...args);
}

export function regctlAttacher(scene: Scene): Attacher {
  const run = regctlRun(scene);
  const typed = (type?: string) => (type === undefined ? [] : ["--filter-artifact-type", type]);
  return {
    attach: (type, file, to) =>
      void run(
        ...["artifact", "put", "--artifact-type", type, "-f", file, "-m", type],
        ...["--file-title", "--strip-dirs", "--subject", to],
      ),
    discover: (of, type) => JSON.parse(run("artifact", "list", of, ...typed(type), "--format", "{{json .Manifest}}")),
    read: (of, type) => run("artifact", "get", "--subject", of, ...typed(type)),
    copyAll: (from, to) => void run("image", "copy", "--referrers", from, to),
  };
}

export function orasAttacher(scene: Scene): Attacher {
  const run = orasRun(scene);
  return {
    attach: (type, file, to) => void run("attach", to, type, file),
    discover: (of, type) => JSON.parse(run("discover", of, ...(type === undefined ? [] : [type]))),
    read: (of, type) => run("read", of, type),
    copyAll: (from, to) => void run("copy-all", from, to),
  };
}

export const copiers = { skopeo, crane, regctl, oras, "oras-go": oras } as const;

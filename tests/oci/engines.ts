/** Clients that build and run images: they unpack and pack anew, so what they say of digests is compared, not bytes. */

import { hash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeLayout, TAG } from "./layout.ts";
import { equal, get, json, lines, type Scene, status } from "./scene.ts";

/** Digest of what the registry has under a tag, asked without any client. */
async function digestAt(host: string, repository: string, tag: string): Promise<string> {
  const response = await get(host, `${repository}/manifests/${tag}`);
  if (!response.ok) throw new Error(`GET ${repository}:${tag}: ${response.status}`);
  const digest = `sha256:${hash("sha256", new Uint8Array(await response.arrayBuffer()))}`;
  equal(response.headers.get("docker-content-digest"), digest);
  return digest;
}

async function buildah({ host, home, run, step }: Scene): Promise<void> {
  const at = `${host}/buildah/built`;
  const file = join(home, "hello");
  writeFileSync(file, `built ${Date.now()}\n`);
  let container = "";
  const built = await step("builds an image from scratch", () => {
    container = run("from", "scratch").trim();
    run("copy", container, file, "/hello");
    run("config", "--entrypoint", '["/hello"]', "--label", "made=here", container);
    run("commit", container, "built:1");
  });
  if (!built) return;
  for (const format of ["oci", "v2s2"]) {
    await step(`pushes it as ${format}`, async () => {
      const digestFile = join(home, `digest-${format}`);
      run(
        "push",
        "--tls-verify=false",
        "--format",
        format,
        "--digestfile",
        digestFile,
        "built:1",
        `docker://${at}:${format}`,
      );
      equal(await digestAt(host, "buildah/built", format), readFileSync(digestFile, "utf8").trim());
    });
    await step(`pulls it back as ${format}`, () => {
      run("rmi", "--all", "--force");
      equal(run("pull", "--tls-verify=false", `docker://${at}:${format}`).trim().length, 64);
      const seen = JSON.parse(run("inspect", "--type", "image", `${at}:${format}`));
      equal(seen.OCIv1.config.Labels.made, "here");
      run("tag", `${at}:${format}`, "built:1");
    });
  }
  await step("builds on what it pulls", async () => {
    const from = run("from", "--tls-verify=false", "--pull-always", `${at}:oci`).trim();
    run("copy", from, file, "/again");
    run("commit", from, "again:1");
    run("push", "--tls-verify=false", "again:1", `docker://${at}:again`);
    const { tags } = await json<{ tags: string[] }>(host, "buildah/built/tags/list");
    equal(tags, ["again", "oci", "v2s2"]);
  });
  await step("pushes a list of images", async () => {
    run("manifest", "create", "list:1");
    run("manifest", "add", "--tls-verify=false", "list:1", `docker://${at}:oci`);
    run("manifest", "push", "--all", "--tls-verify=false", "list:1", `docker://${host}/buildah/lists:1`);
    const { manifests } = await json<{ manifests: { digest: string }[] }>(host, "buildah/lists/manifests/1");
    equal(
      manifests.map(({ digest }) => digest),
      [await digestAt(host, "buildah/built", "oci")],
    );
  });
}

async function podman({ host, home, run, step }: Scene): Promise<void> {
  makeLayout(join(home, "layout"), `podman ${Date.now()}`, 1024 * 1024);
  const at = `${host}/podman/images`;
  const loaded = await step("loads an image", () => {
    // Relative: podman makes a name of the path, and names are in small letters.
    const said = run("pull", `oci:layout:${TAG}`);
    run("tag", lines(said).at(-1) as string, `${at}:${TAG}`);
  });
  if (!loaded) return;
  const digestFile = join(home, "digest");
  await step("pushes it", async () => {
    run("push", "--tls-verify=false", "--digestfile", digestFile, `${at}:${TAG}`);
    equal(await digestAt(host, "podman/images", TAG), readFileSync(digestFile, "utf8").trim());
  });
  await step("pushes it under other tags and to another repository", async () => {
    for (const to of [`${at}:again`, `${host}/podman/copies:${TAG}`])
      run("push", "--tls-verify=false", `${at}:${TAG}`, to);
    equal(await digestAt(host, "podman/copies", TAG), await digestAt(host, "podman/images", TAG));
  });
  await step("lists the tags", () => {
    const seen = lines(run("search", "--tls-verify=false", "--list-tags", at)).slice(1);
    equal(
      seen.map((line) => line.split(/\s+/).at(-1)),
      [TAG, "again"],
    );
  });
  await step("pulls it by tag and by digest", () => {
    run("rmi", "--all", "--force");
    const digest = readFileSync(digestFile, "utf8").trim();
    const [byTag, byDigest] = [`${at}:${TAG}`, `${at}@${digest}`].map((from) =>
      run("pull", "--quiet", "--tls-verify=false", from).trim(),
    );
    equal(byTag, byDigest);
    equal(run("image", "inspect", "--format", "{{.Digest}}", `${at}:${TAG}`).trim(), digest);
    equal(JSON.parse(run("image", "inspect", `${at}:${TAG}`))[0].Config.Entrypoint, ["/hello"]);
  });
  await step("finds the files of its layers", () => {
    const folder = run("image", "mount", `${at}:${TAG}`).trim();
    equal(readFileSync(join(folder, "hello"), "utf8").endsWith("on amd64\n"), true);
    run("image", "umount", `${at}:${TAG}`);
  });
  await step("pushes a list of images", async () => {
    run("manifest", "create", "list:1");
    run("manifest", "add", "--tls-verify=false", "list:1", `docker://${at}:${TAG}`);
    run("manifest", "push", "--all", "--tls-verify=false", "list:1", `docker://${host}/podman/lists:1`);
    const { manifests } = await json<{ manifests: { digest: string }[] }>(host, "podman/lists/manifests/1");
    equal(manifests[0]?.digest, await digestAt(host, "podman/images", TAG));
  });
  await step("is told of a tag that is not there", async () => {
    equal(await status(host, "podman/images/manifests/nothing"), 404);
    let said = "";
    try {
      run("pull", "--tls-verify=false", `${at}:nothing`);
    } catch (error) {
      said = String(error);
    }
    equal(/manifest unknown|not found/i.test(said), true, said);
  });
}

export const engines = { buildah, podman } as const;

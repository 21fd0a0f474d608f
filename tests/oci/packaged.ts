/** Finalised packages as clients of OCI registries see them: pulled with names and bytes, referred to, not changed. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type Attacher, attach, orasAttacher, orasRun, regctlAttacher, regctlRun } from "./copiers.ts";
import { makeLayout, TAG } from "./layout.ts";
import { equal, json, lines, type Scene, status } from "./scene.ts";

interface Puller {
  digest(of: string): string;
  tags(repository: string): string[];
  copy(from: string, to: string): void;
  push(layout: string, to: string): void;
  /** `of` has both: a tag and its digest. */
  deleteManifest(of: { readonly repository: string; readonly digest: string; readonly tag: string }): void;
  /** One file of it. */
  read?(repository: string, digest: string): string;
  /** Its files into a folder, by their names. */
  restore?(of: string, to: string): void;
  readonly attacher?: Attacher;
}

function oras(scene: Scene): Puller {
  const run = orasRun(scene);
  return {
    digest: (of) => run("resolve", of).trim(),
    tags: (repository) => lines(run("tags", repository)),
    copy: (from, to) => void run("copy", from, to),
    push: (layout, to) => void run("push", `${layout}:${TAG}`, to),
    deleteManifest: ({ repository, digest }) => void run("delete", `${repository}@${digest}`),
    restore: (of, to) => void run("restore", of, to),
    attacher: orasAttacher(scene),
  };
}

const PULLERS: Partial<Record<Scene["name"], (scene: Scene) => Puller>> = {
  crane: ({ run: plain }) => {
    const run = (command: string, ...args: string[]) => plain(command, "--insecure", ...args);
    return {
      digest: (of) => run("digest", of).trim(),
      tags: (repository) => lines(run("ls", repository)),
      copy: (from, to) => void run("copy", from, to),
      push: (layout, to) => void run("push", layout, to),
      deleteManifest: ({ repository, digest }) => void run("delete", `${repository}@${digest}`),
      read: (repository, digest) => run("blob", `${repository}@${digest}`),
    };
  },
  regctl: (scene) => {
    const run = regctlRun(scene);
    return {
      digest: (of) => run("image", "digest", of).trim(),
      tags: (repository) => lines(run("tag", "ls", repository)),
      copy: (from, to) => void run("image", "copy", from, to),
      push: (layout, to) => void run("image", "copy", `ocidir://${layout}:${TAG}`, to),
      deleteManifest: ({ repository, digest }) => void run("manifest", "delete", `${repository}@${digest}`),
      read: (repository, digest) => run("blob", "get", repository, digest),
      restore: (of, to) => void run("artifact", "get", "--output", to, of),
      attacher: regctlAttacher(scene),
    };
  },
  oras,
  "oras-go": oras,
};

const FILES: Readonly<Record<string, string>> = {
  empty: "",
  "notes/ä note.txt": "what was tested\n",
  "notes/again.txt": "what was tested\n",
  "reports/deep/er/report.xml": "<ok/>".repeat(100_000),
};

export async function pullPackages(scene: Scene): Promise<void> {
  const { name, host, home, step } = scene;
  const puller = PULLERS[name]?.(scene);
  if (puller === undefined) return;
  const repository = `packages/default/${name}/report`;
  const [at, tag] = [`${host}/${repository}`, `${host}/${repository}:${TAG}`];
  const id = await release(host, `${name}/report`);
  const digest = await digestOf(host, repository);
  await step("sees a package under its version, its id and as the latest", () => {
    equal(puller.tags(at), [TAG, id, "latest"].toSorted());
    for (const reference of [TAG, id, "latest"]) equal(puller.digest(`${at}:${reference}`), digest);
  });
  const { read, restore } = puller;
  if (read !== undefined) {
    await step("reads a file of the package", async () => {
      const { layers } = await json<{ layers: { digest: string }[] }>(host, `${repository}/manifests/${TAG}`);
      equal(
        layers.map((layer) => read(at, layer.digest)),
        Object.keys(FILES)
          .toSorted()
          .map((path) => FILES[path]),
      );
    });
  }
  if (restore !== undefined) {
    await step("restores the package's files, names and bytes", () => {
      const to = join(home, "restored");
      mkdirSync(to);
      restore(tag, to);
      equal(filesIn(to), FILES);
    });
  }
  await step("copies a package to another repository", async () => {
    puller.copy(tag, `${host}/${name}/unpacked:${TAG}`);
    equal(puller.digest(`${host}/${name}/unpacked:${TAG}`), digest);
    for (const { digest: layer } of (
      await json<{ layers: { digest: string }[] }>(host, `${name}/unpacked/manifests/${TAG}`)
    ).layers) {
      equal(await status(host, `${name}/unpacked/blobs/${layer}`), 200);
    }
  });
  await step("is told that nothing can be pushed over a package", () => {
    const layout = makeLayout(join(home, "over"), `${name} over a package`, 1024);
    equal(/denied|403|with a subject/i.test(complaint(() => puller.push(layout.dir, `${at}:2.0`))), true);
    equal(puller.tags(at), [TAG, id, "latest"].toSorted());
  });
  await step("is told that a package is not deleted so", async () => {
    equal(/denied|403/i.test(complaint(() => puller.deleteManifest({ repository: at, digest, tag: TAG }))), true);
    equal(await status(host, `${repository}/manifests/${TAG}`), 200);
  });
  if (puller.attacher !== undefined) {
    const named = (sentence: string, work: () => void | Promise<void>) => step(`${sentence} (a package)`, work);
    await attach({ ...scene, step: named }, puller.attacher, { repository, digest, copies: "packaged" });
    await step("finds no tag more where something refers to a package", () =>
      equal(puller.tags(at), [TAG, id, "latest"].toSorted()),
    );
  }
}

/** Through the other door. */
async function release(host: string, name: string): Promise<string> {
  const ask = async (method: string, path: string, body?: string, type = "application/octet-stream") => {
    const headers = { "content-type": type };
    const answer = await fetch(`http://${host}/packages${path}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} /packages${path}: ${answer.status} ${text}`);
    return text;
  };
  const wanted = JSON.stringify({ name, version: TAG, retention_class: "working" });
  const { package_id: id } = JSON.parse(await ask("POST", "", wanted, "application/json")) as { package_id: string };
  for (const [path, content] of Object.entries(FILES)) await ask("PUT", `/${id}/files/${encodeURI(path)}`, content);
  await ask("POST", `/${id}/finalize`);
  return id;
}

async function digestOf(host: string, repository: string): Promise<string> {
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${TAG}`, { method: "HEAD" });
  return answer.headers.get("docker-content-digest") ?? `none: ${answer.status}`;
}

function complaint(work: () => void): string {
  try {
    work();
  } catch (error) {
    return String(error);
  }
  return "";
}

function filesIn(folder: string): Record<string, string> {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = all.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [relative(folder, path), readFileSync(path, "utf8")]));
}

import { resolve } from "node:path";
import { loadHasher } from "../../adapters/hasher.ts";
import { type Caller, RegistryError } from "../../core/mod.ts";
import { type CommandSpec, option, wholeNumber } from "../context.ts";
import type { Door } from "../door.ts";
import { imageLayout, type Layout, type LayoutOptions, packageLayout } from "../oci/layout.ts";
import { parseImageOrPackage } from "../oci/reference.ts";
import { writeLayoutDirectory, writeLayoutTar } from "../oci/write_layout.ts";
import { formatBytes, formatCount } from "../output.ts";
import { startProgress } from "../progress.ts";

export const exportOci: CommandSpec = {
  usage: "export-oci <image|package> <target>",
  summary: "write an image, an artifact or a package as an OCI image layout: a new directory, or a .tar",
  options: [
    option("--referrers", "with whatever refers to it: signatures, SBOMs"),
    option("--allow-missing", "go on where manifests name what is not there"),
    option("--concurrency <n>", "files in work at once", "8"),
  ],
  async run({ output, runtime, open, signal }, [what = "", directory = ""], options) {
    const concurrency = wholeNumber("--concurrency", options.concurrency, 1, 256);
    const named = parseImageOrPackage(what);
    const { registry, caller } = await open();
    const target = resolve(runtime.cwd(), directory);
    const how = { referrers: options.referrers === true, allowMissing: options.allowMissing === true };
    const layout =
      "package" in named
        ? await layoutOf(registry, caller, named.package, how)
        : await imageLayout(registry, caller, named, how);
    const files = layout.entries.filter(({ kind }) => kind === "file");
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    const progress = startProgress(output, { label: "export" });
    try {
      progress.expect({ files: files.length, bytes });
      const write = target.endsWith(".tar") ? writeLayoutTar : writeLayoutDirectory;
      await write(layout, target, { hasher: await loadHasher(), concurrency, signal, onProgress: progress.advance });
      progress.finish();
      const facts = { ...layout.facts, target, files: files.length, bytes };
      output.print(facts, () => [
        `digest        ${layout.facts.digest}`,
        `files         ${formatCount(files.length)}`,
        `bytes         ${formatCount(bytes)} (${formatBytes(bytes)}), verified, in ${target}`,
        ...(layout.facts.missing_count ? [`missing       ${formatCount(Number(layout.facts.missing_count))}`] : []),
      ]);
      return undefined;
    } finally {
      progress.finish();
    }
  },
};

/** What a package was imported from, or what it is at `/v2/`. */
async function layoutOf(registry: Door, caller: Caller, ref: string, how: LayoutOptions): Promise<Layout> {
  const { package_id: packageId, tenant, name, state } = await registry.getPackage(caller, ref);
  if (state !== "finalized") {
    throw new RegistryError("package_not_finalized", `${ref} is ${state}; finalise it before you export it`, {
      package_id: packageId,
      state,
    });
  }
  const layout = await packageLayout(registry, caller, packageId);
  return (
    layout ??
    (await imageLayout(registry, caller, { repository: `packages/${tenant}/${name}`, reference: packageId }, how))
  );
}

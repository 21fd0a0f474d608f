/** Looking at packages: show, ls, manifest. */
import type { Package, PackageEntry } from "../../core/mod.ts";
import { type CommandSpec, option } from "../context.ts";
import { formatBytes, formatCount, printable, table } from "../output.ts";
import { everyPage } from "../pages.ts";

export const show: CommandSpec = {
  usage: "show <package>",
  summary: "one package, by id or name@version",
  async run({ output, open }, [ref = ""]) {
    const { registry, caller } = await open();
    const found = await registry.getPackage(caller, ref);
    output.print(found, () => describePackage(found));
    return undefined;
  },
};

function describePackage(p: Package): string[] {
  const metadata = Object.entries(p.metadata);
  return [
    `package       ${p.package_id}`,
    `name          ${p.name}${p.version === null ? "" : `@${p.version}`}`,
    `state         ${p.state}`,
    ...(p.manifest_digest === null ? [] : [`manifest      ${p.manifest_digest}`]),
    ...(p.file_count === null ? [] : [`files         ${formatCount(p.file_count)}`]),
    ...(p.total_bytes === null ? [] : [`bytes         ${formatCount(p.total_bytes)} (${formatBytes(p.total_bytes)})`]),
    `retention     ${p.retention_class} (${p.retention_mode}), ${p.expires_at === null ? "kept for good" : `expires ${p.expires_at}`}`,
    `created       ${p.created_at} by ${printable(p.created_by)}`,
    ...(p.finalized_at === null ? [] : [`finalized     ${p.finalized_at} by ${printable(p.finalized_by ?? "")}`]),
    ...(p.metadata_schema === null ? [] : [`schema        ${printable(p.metadata_schema)}`]),
    ...metadata.map(([key, value]) => `metadata      ${printable(key)} = ${printable(JSON.stringify(value))}`),
    ...p.external_refs.map(
      (r) => `reference     ${printable(`${r.system}:${r.id}${r.url === null ? "" : ` ${r.url}`}`)}`,
    ),
  ];
}

export const ls: CommandSpec = {
  usage: "ls [package]",
  summary: "the entries of a package, or without one the packages, newest first",
  options: [
    option("--name <name>", "only packages of this name"),
    option("--state <state>", "only packages in this state").choices(["open", "finalized", "abandoned"]),
  ],
  async run({ output, open, signal }, [ref], options) {
    const { registry, caller } = await open();
    if (ref === undefined) {
      const filter = {
        ...(options.name === undefined ? {} : { name: String(options.name) }),
        ...(options.state === undefined ? {} : { state: options.state as Package["state"] }),
      };
      await everyPage(
        { output, signal },
        (cursor) =>
          registry.listPackages(caller, { ...filter, limit: 500, ...(cursor === undefined ? {} : { cursor }) }),
        (items, first) => table(PACKAGE_COLUMNS, items).slice(first ? 0 : 1),
      );
    } else {
      await everyPage(
        { output, signal },
        (cursor) => registry.listFiles(caller, ref, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) }),
        (items) => items.map(entryLine),
      );
    }
    return undefined;
  },
};

const PACKAGE_COLUMNS = [
  { title: "PACKAGE", value: (p: Package) => p.package_id },
  { title: "NAME", value: (p: Package) => (p.version === null ? p.name : `${p.name}@${p.version}`) },
  { title: "STATE", value: (p: Package) => p.state },
  {
    title: "FILES",
    align: "right" as const,
    value: (p: Package) => (p.file_count === null ? "" : formatCount(p.file_count)),
  },
  {
    title: "SIZE",
    align: "right" as const,
    value: (p: Package) => (p.total_bytes === null ? "" : formatBytes(p.total_bytes)),
  },
  { title: "EXPIRES", value: (p: Package) => p.expires_at?.slice(0, 10) ?? "never" },
  { title: "CREATED", value: (p: Package) => p.created_at },
];

function entryLine(entry: PackageEntry): string {
  const path = printable(entry.path);
  if (entry.kind === "directory") return `d ${"".padStart(15)}  ${path}/`;
  if (entry.kind === "symlink") return `l ${"".padStart(15)}  ${path} -> ${printable(entry.target)}`;
  return `${entry.executable ? "x" : "-"} ${formatCount(entry.size).padStart(15)}  ${path}`;
}

export const manifest: CommandSpec = {
  usage: "manifest <package>",
  summary: "the manifest of a finalised package: canonical JSON, or the exact CBOR bytes",
  options: [option("--cbor", "the canonical CBOR bytes, whose BLAKE3 digest is the manifest digest")],
  async run({ output, open }, [ref = ""], options) {
    const { registry, caller } = await open();
    const form = options.cbor === true ? "cbor" : "jcs";
    const bytes = await registry.getManifestBytes(caller, ref, form);
    await output.bytes(bytes);
    // Canonical JSON has no newline of its own; on a terminal the prompt would follow on the same line.
    if (form === "jcs" && process.stdout.isTTY) await output.bytes(new Uint8Array([10]));
    return undefined;
  },
};

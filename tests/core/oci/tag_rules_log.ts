/** What a log must never say: that a tag moved or went while a rule kept it. Reads it with a matcher of its own. */
import { decodeCbor } from "../../../core/mod.ts";

interface Logged {
  readonly sequence: number;
  readonly type: string;
  readonly tenant: string;
  readonly subject: string;
  readonly payload: Uint8Array | null;
}

interface Rule {
  readonly repositories: string;
  readonly tags: string;
}

/** For patterns of letters, digits, stars and classes. */
const matches = (pattern: string, name: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?(){}|$\\]/g, "\\$&").replaceAll("*", "[^/]*")}$`).test(name);

export const keptBy = (rules: readonly Rule[], repository: string, tag: string): boolean =>
  rules.some((rule) => matches(rule.repositories, repository) && matches(rule.tags, tag));

/** One line for each event that broke a rule which was set before it. */
export function brokenPromises(log: readonly Logged[]): string[] {
  const rules = new Map<string, readonly Rule[]>();
  const repositories = new Map<string, { readonly name: string; readonly tags: Set<string> }>();
  const broken: string[] = [];
  for (const { sequence, type, tenant, subject, payload } of log) {
    if (payload === null || !type.startsWith("v1.oci.")) continue;
    const said = decodeCbor(payload) as Record<string, unknown>;
    const gone: string[] = [];
    if (type === "v1.oci.tag_rules_set") rules.set(tenant, said.rules as readonly Rule[]);
    if (type === "v1.oci.repository_created") repositories.set(subject, { name: said.name as string, tags: new Set() });
    const { name, tags } = repositories.get(subject) ?? { name: "", tags: new Set<string>() };
    if (type === "v1.oci.tag_moved" && said.previous !== null) gone.push(said.tag as string);
    if (type === "v1.oci.tag_deleted") gone.push(said.tag as string);
    if (type === "v1.oci.manifest_deleted") gone.push(...(said.tags as string[]));
    if (type === "v1.oci.repository_deleted") gone.push(...tags);
    for (const tag of gone) tags.delete(tag);
    if (type === "v1.oci.tag_moved") tags.add(said.tag as string);
    for (const tag of gone) {
      if (keptBy(rules.get(tenant) ?? [], name, tag)) broken.push(`${sequence} ${type} ${name}:${tag}`);
    }
  }
  return broken;
}

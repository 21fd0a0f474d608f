import { authorize, isAllowed } from "../../access/decide.ts";
import type { Caller } from "../../spi/authenticator.ts";
import { artifactNames, artifactTags, hasArtifacts } from "../../views/located_artifacts.ts";
import type { OciDeps } from "../deps.ts";
import { MAX_NAME, manifestNotFound } from "../names.ts";
import { checkLast, checkPageLimit, MAX_PAGE } from "../page.ts";
import type { OciRegistry } from "../types.ts";
import { ofTenant } from "./names.ts";
import { orOrdinary, ownName } from "./place.ts";

/** Tags of packages: what an ordinary repository of the name has are no tags, but referrers. */
export async function listPackageTags(
  deps: OciDeps,
  ordinary: OciRegistry,
  caller: Caller,
  input: Parameters<OciRegistry["listTags"]>[1],
): ReturnType<OciRegistry["listTags"]> {
  const { repository } = input;
  const name = ownName(caller, repository);
  const limit = checkPageLimit(input.limit ?? MAX_PAGE, 0);
  const tags = await artifactTags(deps.database.read, name, checkLast(input.last), limit + 1);
  if (tags.length === 0 && !(await hasArtifacts(deps.database.read, name))) {
    // With nothing but referrers, it is a repository without tags.
    const notFound = () => manifestNotFound(repository, "");
    await orOrdinary(deps, name, repository, notFound, () => ordinary.listTags(caller, { repository, limit: 0 }));
  }
  return { name: repository, tags: tags.slice(0, limit), more: limit > 0 && tags.length > limit };
}

/** The catalog: ordinary repositories and those of packages, in byte order, each once. */
export async function listAllRepositories(
  deps: OciDeps,
  ordinary: OciRegistry,
  caller: Caller,
  input: Parameters<OciRegistry["listRepositories"]>[1] = {},
): ReturnType<OciRegistry["listRepositories"]> {
  authorize(caller, "oci:catalog");
  const limit = checkPageLimit(input.limit ?? MAX_PAGE, 0);
  const page = await ordinary.listRepositories(caller, input);
  if (!isAllowed(caller, "package:read") || limit === 0) return page;
  const [last, prefix] = [checkLast(input.last), checkLast(input.prefix)];
  const packages = await packageRepositories(deps, caller, { last, prefix, count: limit + 1 });
  if (packages.length === 0) return page;
  const all = [...new Set([...page.repositories, ...packages])].sort();
  return { repositories: all.slice(0, limit), more: page.more || all.length > limit };
}

async function packageRepositories(
  { database }: OciDeps,
  { tenant }: Caller,
  { last, prefix, count }: { readonly last: string; readonly prefix: string; readonly count: number },
): Promise<readonly string[]> {
  const own = ofTenant(tenant);
  // All of them sort together. What is not ASCII sorts after what is, in bytes and in UTF-16 units.
  if (last > own && !last.startsWith(own)) return [];
  if (!own.startsWith(prefix) && !prefix.startsWith(own)) return [];
  // No names that are too long to be pulled.
  const maxLength = MAX_NAME - own.length;
  const after = last < own ? "" : last.slice(own.length);
  const names = await artifactNames(database.read, tenant, {
    ...{ last: after, prefix: prefix.slice(own.length), maxLength, count },
  });
  return names.map((name) => own + name);
}

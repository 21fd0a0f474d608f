/** What there is (spec, "Listing Tags", "Listing Referrers"; the catalog is Docker's). */
import { OCI_INDEX_TYPE } from "../../core/mod.ts";
import { type OciHandler, ociJson, queryOf } from "./answers.ts";
import { nextLink, pageSize } from "./headers.ts";

/** Items of a page, at most and by default. */
const MAX_PAGE = 1000;

export const getVersion: OciHandler = async () => ociJson({});

export const listTags: OciHandler = async ({ oci, caller, request, target: { repository } }) => {
  const query = queryOf(request);
  const [limit = MAX_PAGE, last] = [pageSize(query, MAX_PAGE), query.get("last")];
  const { name, tags, more } = await oci.listTags(caller, { repository, limit, ...(last !== null && { last }) });
  return ociJson({ name, tags }, pageAfter(`/v2/${repository}/tags/list`, limit, tags, more));
};

export const listRepositories: OciHandler = async ({ oci, caller, request }) => {
  const query = queryOf(request);
  const [limit = MAX_PAGE, last] = [pageSize(query, MAX_PAGE), query.get("last")];
  const { repositories, more } = await oci.listRepositories(caller, { limit, ...(last !== null && { last }) });
  return ociJson({ repositories }, pageAfter("/v2/_catalog", limit, repositories, more));
};

/** "When `n` is zero, this endpoint MUST return an empty list, and MUST NOT include a `Link` header." */
function pageAfter(path: string, n: number, items: readonly string[], more: boolean): Record<string, string> {
  const last = items.at(-1);
  return more && last !== undefined ? { link: nextLink(path, { n, last }) } : {};
}

export const listReferrers: OciHandler = async ({ oci, caller, request, target }) => {
  const { repository, reference: digest } = target;
  const query = queryOf(request);
  const artifactType = query.get("artifactType") || undefined;
  const after = query.get("after") || undefined;
  const limit = pageSize(query, MAX_PAGE) || undefined;
  const { descriptors, next } = await oci.listReferrers(caller, {
    ...{ repository, digest },
    ...(artifactType !== undefined && { artifactType }),
    ...(after !== undefined && { after }),
    ...(limit !== undefined && { limit }),
  });
  const more = { n: limit, artifactType, after: next };
  return ociJson(
    { schemaVersion: 2, mediaType: OCI_INDEX_TYPE, manifests: descriptors },
    {
      "content-type": OCI_INDEX_TYPE,
      ...(artifactType !== undefined && { "oci-filters-applied": "artifactType" }),
      ...(next !== undefined && { link: nextLink(`/v2/${repository}/referrers/${digest}`, more) }),
    },
  );
};

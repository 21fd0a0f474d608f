/** Calls about lists: tags, catalog, referrers, their pages and their links. */
import type { Call } from "../http/table.ts";
import { descriptor, digestOf, index, manifest, OCI_INDEX, OCI_MANIFEST } from "./content.ts";

const CONFIG = "{}";
const IMAGE = manifest(CONFIG);

const pushed = (repository: string, reference: string, body = IMAGE, type = OCI_MANIFEST): readonly Call[] => [
  { call: `POST /v2/${repository}/blobs/uploads/?digest=${digestOf(CONFIG)}`, body: CONFIG, status: 201 },
  { call: `PUT /v2/${repository}/manifests/${reference}`, headers: { "content-type": type }, body, status: 201 },
];

const tags = (query: string, wanted: readonly string[], link: string | null = null): Call => ({
  call: `GET /v2/list/tags/list${query}`,
  status: 200,
  sends: {
    link: link === null ? null : `</v2/list/tags/list?${link}>; rel="next"`,
    "content-type": "application/json",
  },
  gives: JSON.stringify({ name: "list", tags: wanted }),
});

/** In byte order, which is no alphabet: "-" and "." come before digits, "_" between the cases. */
const TAGS = ["1", "1-a", "1.0", "10", "2", "A", "Z", "_", "a", "a-", "a.b", "aa", "b"];

const ofTags: readonly Call[] = [
  ...TAGS.toReversed().flatMap((tag) => pushed("list", tag)),
  tags("", TAGS),
  tags("?n=13", TAGS),
  tags("?n=3", TAGS.slice(0, 3), "n=3&last=1.0"),
  tags("?n=3&last=1.0", TAGS.slice(3, 6), "n=3&last=A"),
  tags("?last=a-&n=100000", TAGS.slice(10)),
  tags("?last=a%2D", TAGS.slice(10)),
  tags("?last=a-a", TAGS.slice(10)),
  tags("?last=b", []),
  tags("?last=~", []),
  tags("?n=12", TAGS.slice(0, 12), "n=12&last=aa"),
  tags("?n=2&last=a.b", TAGS.slice(11)),
  tags("?n=0", []),
  tags("?n=0&last=1", []),
  ...["n=-1", "n=x", "n=1.5", "n=", "n=1e3", "n=99999999999999999999"].map((query) => ({
    call: `GET /v2/list/tags/list?${query}`,
    status: 400,
    code: "UNSUPPORTED",
  })),
  { call: "HEAD /v2/list/tags/list", status: 200, gives: "" },
];

const catalog = (query: string, gives: Call["gives"], link: string | null = null): Call => ({
  call: `GET /v2/_catalog${query}`,
  status: 200,
  sends: { link: link === null ? null : `</v2/_catalog?${link}>; rel="next"` },
  ...(gives !== undefined && { gives }),
});

/** Names that begin like others, and names made of the words of paths. */
const NAMES = ["z", "z-a", "z.a", "z/a", "z/a/b", "z0", "z__a", "za"];
const WORDS = ["z/blobs", "z/blobs/uploads", "z/manifests/latest", "z/tags/list", "z/uploads/referrers"];

const ofRepositories: readonly Call[] = [
  ...[...NAMES, ...WORDS].toReversed().flatMap((name) => pushed(name, "latest")),
  ...[...NAMES, ...WORDS].flatMap((name) => [
    { call: `GET /v2/${name}/tags/list`, status: 200, gives: JSON.stringify({ name, tags: ["latest"] }) },
    { call: `GET /v2/${name}/manifests/latest`, status: 200, gives: IMAGE },
    { call: `HEAD /v2/${name}/blobs/${digestOf(CONFIG)}`, status: 200 },
    { call: `GET /v2/${name}/referrers/${digestOf(IMAGE)}`, status: 200, gives: { manifests: [] } },
  ]),
  catalog("?last=team/app", { repositories: [...NAMES, ...WORDS].toSorted() }),
  catalog("?last=z&n=2", { repositories: ["z-a", "z.a"] }, "n=2&last=z.a"),
  catalog("?n=1&last=z.a", { repositories: ["z/a"] }, "n=1&last=z%2Fa"),
  catalog("?n=1&last=z%2Fa", { repositories: ["z/a/b"] }, "n=1&last=z%2Fa%2Fb"),
  catalog("?last=za", { repositories: [] }),
  catalog("?n=0", '{"repositories":[]}'),
  { call: "GET /v2/_catalog?n=x", status: 400, code: "UNSUPPORTED" },
  { call: "POST /v2/_catalog", status: 405, code: "UNSUPPORTED" },
];

const SUBJECT = descriptor(OCI_MANIFEST, IMAGE);
const SBOM = manifest(CONFIG, [], { subject: SUBJECT, artifactType: "application/sbom", annotations: { of: "sbom" } });
const SIGNATURE = manifest(CONFIG, [], { subject: SUBJECT });
const LISTED = index([], { subject: SUBJECT });
const EARLY = manifest(CONFIG, [], { subject: descriptor(OCI_MANIFEST, "not pushed yet") });
const REFERRERS = [
  descriptor(OCI_MANIFEST, SBOM, { artifactType: "application/sbom", annotations: { of: "sbom" } }),
  descriptor(OCI_MANIFEST, SIGNATURE, { artifactType: "application/vnd.oci.image.config.v1+json" }),
  descriptor(OCI_INDEX, LISTED),
].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
const referring = `/v2/list/referrers/${digestOf(IMAGE)}`;

const withSubject = (body: string, type = OCI_MANIFEST, subject = digestOf(IMAGE)): Call => ({
  call: `PUT /v2/list/manifests/${digestOf(body)}`,
  headers: { "content-type": type },
  body,
  status: 201,
  sends: { "oci-subject": subject },
});

const ofReferrers: readonly Call[] = [
  withSubject(SBOM),
  withSubject(SBOM),
  withSubject(SIGNATURE),
  withSubject(LISTED, OCI_INDEX),
  withSubject(EARLY, OCI_MANIFEST, digestOf("not pushed yet")),
  {
    call: `GET ${referring}`,
    status: 200,
    sends: { "content-type": OCI_INDEX, link: null, "oci-filters-applied": null },
    gives: { schemaVersion: 2, mediaType: OCI_INDEX, manifests: REFERRERS },
  },
  {
    call: `GET ${referring}?artifactType=application%2Fsbom`,
    status: 200,
    sends: { "content-type": OCI_INDEX, "oci-filters-applied": "artifactType" },
    gives: { manifests: REFERRERS.filter(({ digest }) => digest === digestOf(SBOM)) },
  },
  {
    call: `GET ${referring}?artifactType=application/other`,
    status: 200,
    sends: { "oci-filters-applied": "artifactType" },
    gives: { manifests: [] },
  },
  {
    call: `GET ${referring}?n=2`,
    status: 200,
    sends: { link: /^<\/v2\/list\/referrers\/sha256:[0-9a-f]{64}\?n=2&after=[^>&]+>; rel="next"$/ },
    gives: { manifests: REFERRERS.slice(0, 2) },
  },
  { call: `GET /v2/list/referrers/${digestOf("not pushed yet")}`, status: 200, gives: { "manifests.length": 1 } },
  { call: `GET /v2/z/referrers/${digestOf(IMAGE)}`, status: 200, gives: { manifests: [] } },
  { call: `DELETE /v2/list/manifests/${digestOf(SBOM)}`, status: 202 },
  { call: `GET ${referring}`, status: 200, gives: { "manifests.length": 2 } },
];

export const lists: readonly Call[] = [...ofTags, ...ofRepositories, ...ofReferrers];

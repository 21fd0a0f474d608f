/** Calls about the rules for immutable tags. What they keep: tests/server/oci/table_tag_rules.ts. */
import type { Call } from "./table.ts";

const RULES = "/v1/tag-rules";
const RELEASES = { repositories: "acme/*", tags: "v[0-9]*" };
const JSON_TYPE = { "content-type": "application/json" };
const refused = (body: unknown, more: Partial<Call> = {}): Call => ({
  call: `PUT ${RULES}`,
  body,
  status: 400,
  code: "invalid_argument",
  ...more,
});
const reason = "releases stay";

export const ruling: readonly Call[] = [
  {
    call: `GET ${RULES}`,
    status: 200,
    sends: { "cache-control": "private, no-store" },
    gives: '{"revision":0,"rules":[],"reason":null,"set_at":null,"set_by":null}\n',
  },
  {
    call: `PUT ${RULES}`,
    body: { rules: [RELEASES], reason, expected: 0 },
    status: 200,
    gives: { revision: 1, reason, "rules.0.repositories": "acme/*", "rules.0.tags": "v[0-9]*", "rules.length": 1 },
    keep: { set: "set_at" },
  },
  { call: `GET ${RULES}`, status: 200, gives: { revision: 1, set_at: "{set}", set_by: /^local:/ } },
  // The answer was lost: asked again.
  { call: `PUT ${RULES}`, body: { rules: [RELEASES], reason, expected: 0 }, status: 200, gives: { set_at: "{set}" } },
  {
    call: `PUT ${RULES}`,
    body: { rules: [], reason, expected: 0 },
    status: 409,
    code: "conflict",
    gives: { "data.expected": 0, "data.revision": 1 },
  },
  refused(
    { rules: [RELEASES, { repositories: "acme/[a-", tags: "*" }], reason },
    { gives: { "data.rule": 2, "data.field": "repositories", "data.at": 6, "data.pattern": "acme/[a-" } },
  ),
  refused({ rules: [{ repositories: "*", tags: "" }], reason }),
  refused({ rules: [{ repositories: "*", tags: "x\\" }], reason }),
  refused('{"rules":[{"repositories":"*","tags":"\\ud800"}],"reason":"x"}', { headers: JSON_TYPE }),
  refused({ rules: [{ repositories: "*", tags: "v".repeat(513) }], reason }),
  refused({ rules: [{ repositories: "*" }], reason }),
  refused({ rules: [{ ...RELEASES, except: "x" }], reason }),
  refused({ rules: {}, reason }),
  refused({ rules: [] }),
  refused({ rules: [], reason: "" }),
  refused({ rules: [], reason: "x".repeat(2001) }),
  refused({ rules: [], reason, expected: -1 }),
  refused({ rules: [], reason, expected: 1.5 }),
  refused({ rules: [], reason, revision: 1 }),
  refused({ rules: Array(101).fill(RELEASES), reason }, { status: 413, code: "limit_exceeded" }),
  {
    call: `POST ${RULES}/preview`,
    body: { rules: [{ repositories: "*", tags: "*" }] },
    status: 200,
    gives: { revision: 1, tags: 0, immutable: 0, "becoming_immutable.count": 0 },
  },
  {
    call: `POST ${RULES}/preview`,
    body: { rules: [{ repositories: "]", tags: "[" }] },
    status: 400,
    code: "invalid_argument",
    gives: { "data.field": "tags" },
  },
  { call: `POST ${RULES}/preview`, body: {}, status: 400, code: "invalid_argument" },
  { call: `POST ${RULES}`, status: 405, code: "method_not_allowed", sends: { allow: "GET, HEAD, PUT" } },
  { call: `GET ${RULES}`, status: 200, gives: { revision: 1 } },
];

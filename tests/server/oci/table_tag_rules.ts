/** Calls about immutable tags: the rules at one door, what they refuse at the other. */
import type { Call } from "../http/table.ts";
import { digestOf, index, OCI_INDEX } from "./content.ts";

const [ONE, TWO] = ["one", "two"].map((name) => index([], { annotations: { name } })) as [string, string];
const RELEASES = { repositories: "kept/*", tags: "v[0-9]*" };
const RULES = "/v1/tag-rules";

const at = (reference: string) => `/v2/kept/app/manifests/${reference}`;
const put = (reference: string, body: string, more: Partial<Call> = {}): Call => ({
  call: `PUT ${at(reference)}`,
  headers: { "content-type": OCI_INDEX },
  body,
  status: 201,
  ...more,
});
const denied = { status: 403, code: "DENIED" } as const;

export const tagRules: readonly Call[] = [
  put("v1", ONE),
  put("v1", TWO),
  put("latest", TWO),
  {
    call: `POST ${RULES}/preview`,
    body: { rules: [RELEASES] },
    status: 200,
    gives: {
      "becoming_immutable.count": 1,
      "becoming_immutable.examples.0.repository": "kept/app",
      "becoming_immutable.examples.0.tag": "v1",
      "becoming_immutable.examples.0.rule": 1,
      "becoming_free.count": 0,
      immutable: 0,
    },
  },
  put("v1", ONE),
  { call: `PUT ${RULES}`, body: { rules: [RELEASES], reason: "releases stay" }, status: 200, gives: { revision: 1 } },
  put("v1", TWO, {
    ...denied,
    gives: {
      "errors.0.message": /^The tag v1 of kept\/app is immutable: rule 1 \(v\[0-9\]\* in kept\/\*\) says so\. /,
      "errors.0.detail.tag": "v1",
      "errors.0.detail.rule.position": 1,
    },
  }),
  put(digestOf(TWO), TWO, { ...denied, call: `PUT ${at(digestOf(TWO))}?tag=v2&tag=v1` }),
  { call: `GET ${at("v2")}`, status: 404, code: "MANIFEST_UNKNOWN" },
  { call: `DELETE ${at("v1")}`, ...denied },
  { call: `DELETE ${at(digestOf(ONE))}`, ...denied },
  { call: `GET ${at("v1")}`, status: 200, gives: ONE },
  // As it is, for the first time, and what no rule has.
  put("v1", ONE),
  put("v2", TWO),
  put("latest", ONE),
  { call: `DELETE ${at("latest")}`, status: 202 },
  // Until the rules say something else.
  { call: `PUT ${RULES}`, body: { rules: [], reason: "over", expected: 0 }, status: 409 },
  { call: `PUT ${RULES}`, body: { rules: [], reason: "over", expected: 1 }, status: 200, gives: { revision: 2 } },
  { call: `DELETE ${at(digestOf(ONE))}`, status: 202 },
  { call: `DELETE ${at("v2")}`, status: 202 },
];

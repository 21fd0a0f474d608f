/** Every case there is, by its group. */
import { ARCHIVES } from "./archives.ts";
import { BODIES } from "./bodies.ts";
import type { Case } from "./case.ts";
import { FIELDS } from "./fields.ts";
import { FRAMED } from "./framing.ts";
import { HEADS } from "./heads.ts";
import { NAMED } from "./names.ts";
import { TRUNCATED } from "./truncated.ts";

const TABLES = {
  ...{ names: NAMED, fields: FIELDS, heads: HEADS, framing: FRAMED },
  ...{ bodies: BODIES, archives: ARCHIVES, truncated: TRUNCATED },
};

export const CORPUS: Readonly<Record<string, readonly Case[]>> = Object.fromEntries(
  Object.entries(TABLES).flatMap(([table, groups]) =>
    Object.entries(groups).map(([group, cases]) => [`${table}: ${group}`, distinct(cases)]),
  ),
);

/** Tables are made by machines, which do not look whether they said it before. */
function distinct(cases: readonly Case[]): readonly Case[] {
  const known = new Set<string>();
  return cases.filter(({ send, ending }) => {
    const key = `${ending} ${typeof send === "string" ? send : Buffer.from(send).toString("latin1")}`;
    return !known.has(key) && known.add(key);
  });
}

export const COUNT = new Set(
  Object.values(CORPUS).flatMap((cases) => cases.map(({ send, ending }) => `${ending} ${send}`)),
).size;

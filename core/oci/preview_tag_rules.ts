/** What other tag rules would change for the tags that there are. */
import type { Kysely } from "kysely";
import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import { Pace } from "../base/turn.ts";
import type { TagRule } from "../events/types.ts";
import type { Caller } from "../spi/authenticator.ts";
import { selectPrepared } from "../views/statements.ts";
import type { Tables } from "../views/tables.ts";
import type { OciDeps } from "./deps.ts";
import { getTagRules } from "./set_tag_rules.ts";
import type { TagRulesPreview } from "./tag_rule_use_cases.ts";
import { compileTagRules, type DecidingRule, type RulesOfRepository } from "./tag_rules.ts";

const PAGE = 1000;
/** Tags that are named on either side; all are counted. */
const MAX_EXAMPLES = 20;

interface NamedTag {
  readonly name: string;
  readonly tag: string;
}

/** Looks at every tag of the tenant, page by page; what is pushed meanwhile may count or not. */
export async function previewTagRules(
  deps: OciDeps,
  caller: Caller,
  input: { readonly rules: readonly TagRule[] },
): Promise<TagRulesPreview> {
  authorize(caller, "oci:administer");
  const rulesAfter = compileTagRules(input.rules);
  const { revision, rules } = await getTagRules(deps, caller);
  const rulesBefore = compileTagRules(rules);
  const gains = new Side();
  const losses = new Side();
  const pace = new Pace();
  let [tags, immutable] = [0, 0];
  let last: NamedTag = { name: "", tag: "" };
  let here: { name: string; before: RulesOfRepository; after: RulesOfRepository } | undefined;
  for (;;) {
    if (caller.signal?.aborted) throw new RegistryError("cancelled", "The preview was cancelled");
    const page = await pageAfter(deps.database.read, caller.tenant, last);
    for (const row of page) {
      if (pace.due()) await pace.turn();
      const { name, tag } = row;
      if (here?.name !== name) here = { name, before: rulesBefore(name), after: rulesAfter(name) };
      const [before, after] = [here.before(tag), here.after(tag)];
      tags++;
      if (before !== undefined) immutable++;
      if (before === undefined && after !== undefined) gains.add(row, after);
      if (before !== undefined && after === undefined) losses.add(row, before);
      last = row;
    }
    if (page.length < PAGE) break;
  }
  return { revision, tags, immutable, becoming_immutable: gains.told(), becoming_free: losses.told() };
}

class Side {
  #count = 0;
  readonly #examples: TagRulesPreview["becoming_free"]["examples"][number][] = [];

  add({ name: repository, tag }: NamedTag, { position: rule }: DecidingRule): void {
    if (this.#count++ < MAX_EXAMPLES) this.#examples.push({ repository, tag, rule });
  }

  told(): TagRulesPreview["becoming_free"] {
    return { count: this.#count, examples: this.#examples };
  }
}

async function pageAfter(db: Kysely<Tables>, tenant: string, { name, tag }: NamedTag): Promise<NamedTag[]> {
  const build = () =>
    db
      .selectFrom("oci_repositories as r")
      .innerJoin("oci_tags as t", "t.repository_id", "r.repository_id")
      .select(["r.name", "t.tag"])
      .where("r.tenant", "=", "")
      // The first condition is one that an index answers.
      .where("r.name", ">=", "")
      .where((where) => where.or([where("r.name", ">", ""), where("t.tag", ">", "")]))
      .orderBy("r.name")
      .orderBy("t.tag")
      .limit(PAGE)
      .compile();
  return await selectPrepared<NamedTag>(db, "oci tags of a tenant", build, [tenant, name, name, tag, PAGE]);
}

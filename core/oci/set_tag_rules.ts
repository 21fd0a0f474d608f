/** Reading and setting the tag rules of the caller's tenant. */
import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import { jcsText } from "../base/jcs.ts";
import type { TagRule } from "../events/types.ts";
import { checkReason } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { loadOne, want } from "../views/loader.ts";
import { tagRulesOf } from "../views/oci_tag_rules.ts";
import type { OciTagRulesTable } from "../views/tables.ts";
import type { OciDeps } from "./deps.ts";
import type { SetTagRulesInput, TagRules } from "./tag_rule_use_cases.ts";
import { compileTagRules, rulesOfRow } from "./tag_rules.ts";

export async function getTagRules(deps: OciDeps, caller: Caller): Promise<TagRules> {
  authorize(caller, "oci:catalog");
  return tagRulesIn(await loadOne(deps.database.read, tagRulesOf, caller.tenant));
}

export async function setTagRules(deps: OciDeps, caller: Caller, input: SetTagRulesInput): Promise<TagRules> {
  authorize(caller, "oci:administer");
  const { reason, expected } = input;
  // A copy of what is a rule: the list goes into the log, whatever else hangs on it and whatever the caller does.
  const rules = input.rules.map(({ repositories, tags }): TagRule => ({ repositories, tags }));
  compileTagRules(rules);
  checkReason(reason);
  const text = jcsText(rules);
  return await deps.ledger.commit(caller, {
    wants: { row: want(tagRulesOf, caller.tenant) },
    decide({ row }, { now }) {
      const before = tagRulesIn(row);
      // Asked again because the answer was lost, or set by two to the same: nobody's work is lost.
      if ((row?.rules ?? "[]") === text) return { events: [], result: before };
      if (expected !== undefined && expected !== before.revision) throw changedMeanwhile(expected, before.revision);
      const payload = { rules, previous: before.revision, reason };
      return {
        events: [{ type: "v1.oci.tag_rules_set", subject: caller.tenant, payload }],
        result: {
          revision: before.revision + 1,
          rules,
          reason,
          set_at: now,
          set_by: caller.principal.subject,
        },
      };
    },
  });
}

function tagRulesIn(row: OciTagRulesTable | undefined): TagRules {
  const { revision = 0, reason = null, set_at = null, set_by = null } = row ?? {};
  return { revision, rules: rulesOfRow(row), reason, set_at, set_by };
}

function changedMeanwhile(expected: number, revision: number): RegistryError {
  const message = `The tag rules are at revision ${revision}, not ${expected}: somebody set them meanwhile. Read them, and change those`;
  return new RegistryError("conflict", message, { expected, revision });
}

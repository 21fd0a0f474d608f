/** What the rules for immutable tags mean. They are decided in the unit of work that would move or remove a tag. */

import { isRegistryError, RegistryError } from "../base/errors.ts";
import { compileGlob, type Glob, matchesGlob } from "../base/glob.ts";
import { parseJcsText } from "../base/jcs.ts";
import type { TagRule } from "../events/types.ts";
import type { OciTagRulesTable } from "../views/tables.ts";

/** Rules of one tenant. */
export const MAX_TAG_RULES = 100;

/** The first rule that a tag falls under; `position` counts from 1. */
export interface DecidingRule extends TagRule {
  readonly position: number;
}

/** Says of each tag of one repository under which rule it falls; `undefined`: it is free. */
export type RulesOfRepository = (tag: string) => DecidingRule | undefined;

/**
 * The rules, ready to be asked about one repository after the other.
 * @throws {RegistryError} `invalid_argument` (`data.rule`, from 1, and `data.pattern`, `data.at` where it is malformed),
 * `limit_exceeded`
 */
export function compileTagRules(rules: readonly TagRule[]): (repository: string) => RulesOfRepository {
  if (rules.length > MAX_TAG_RULES) {
    const message = `There may be ${MAX_TAG_RULES} tag rules, not ${rules.length}`;
    throw new RegistryError("limit_exceeded", message, { limit: MAX_TAG_RULES, rules: rules.length });
  }
  const compiled = rules.map(({ repositories, tags }, index) => ({
    rule: { position: index + 1, repositories, tags },
    repositories: compilePattern(repositories, "repositories", index + 1),
    tags: compilePattern(tags, "tags", index + 1),
  }));
  return (repository) => {
    const here = compiled.filter((rule) => matchesGlob(rule.repositories, repository));
    return (tag) => here.find((rule) => matchesGlob(rule.tags, tag))?.rule;
  };
}

/** @throws {RegistryError} `invalid_argument` */
function compilePattern(pattern: string, field: keyof TagRule, position: number): Glob {
  try {
    if (typeof pattern !== "string" || pattern === "") {
      throw new RegistryError("invalid_argument", "A pattern is text of one character or more");
    }
    return compileGlob(pattern);
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    throw new RegistryError(error.code, `Rule ${position}, ${field}: ${error.message}`, {
      ...error.data,
      rule: position,
      field,
    });
  }
}

export function rulesOfRow(row: OciTagRulesTable | undefined): readonly TagRule[] {
  return row === undefined ? [] : (parseJcsText(row.rules) as unknown as readonly TagRule[]);
}

/**
 * For decisions that would make tags of a repository point elsewhere, or go. `row` is what the unit wanted through
 * `tagRulesOf`, so that a rule that was set a moment ago holds.
 * @throws {RegistryError} `tag_immutable`, naming the first tag that may not
 */
export function checkTagsMayGo(row: OciTagRulesTable | undefined, repository: string, tags: Iterable<string>): void {
  // Almost nobody has rules, and most pushes move nothing: nothing is compiled for those.
  if (row === undefined || row.rules === "[]") return;
  let ruleOf: RulesOfRepository | undefined;
  for (const tag of tags) {
    ruleOf ??= compileTagRules(rulesOfRow(row))(repository);
    const rule = ruleOf(tag);
    if (rule !== undefined) throw immutable(repository, tag, rule);
  }
}

/** Whether any tag of the repository can be immutable. */
export function rulesTouch(row: OciTagRulesTable | undefined, repository: string): boolean {
  return rulesOfRow(row).some((rule) => matchesGlob(compileGlob(rule.repositories), repository));
}

function immutable(repository: string, tag: string, rule: DecidingRule): RegistryError {
  const { position, repositories, tags } = rule;
  const message = `The tag ${tag} of ${repository} is immutable: rule ${position} (${tags} in ${repositories}) says so. It cannot move or be removed, nor can what it points at; push under another tag, or change the rules (\`artifactstore repo rules\`)`;
  return new RegistryError("tag_immutable", message, { repository, tag, rule });
}

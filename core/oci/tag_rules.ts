/** What the rules for immutable tags mean. They are decided in the unit of work that would move or remove a tag. */

import { utf8 } from "../base/bytes.ts";
import { isRegistryError, RegistryError } from "../base/errors.ts";
import { compileGlob, type Glob, matchesBytes } from "../base/glob.ts";
import { parseJcsText } from "../base/jcs.ts";
import type { TagRule } from "../events/types.ts";
import type { OciTagRulesTable } from "../views/tables.ts";

/** Rules of one tenant. */
export const MAX_TAG_RULES = 100;

/** The first rule that a tag falls under; `position` counts from 1. */
export interface DecidingRule extends TagRule {
  readonly position: number;
}

export interface RulesOfRepository {
  /** Says of each tag of one repository under which rule it falls; `undefined`: it is free. */
  (tag: string): DecidingRule | undefined;
  /** How many rules are for this repository; where none is, every tag is free. */
  readonly count: number;
}

export type CompiledTagRules = (repository: string) => RulesOfRepository;

/**
 * The rules, ready to be asked about one repository after the other.
 * @throws {RegistryError} `invalid_argument` (`data.rule`, from 1, and `data.pattern`, `data.at` where it is malformed),
 * `limit_exceeded`
 */
export function compileTagRules(rules: readonly TagRule[]): CompiledTagRules {
  if (rules.length > MAX_TAG_RULES) {
    const message = `There may be ${MAX_TAG_RULES} tag rules, not ${rules.length}`;
    throw new RegistryError("limit_exceeded", message, { limit: MAX_TAG_RULES, rules: rules.length });
  }
  const compiled = rules.map(({ repositories, tags }, index) => ({
    rule: Object.freeze({ position: index + 1, repositories, tags }),
    repositories: compilePattern(repositories, "repositories", index + 1),
    tags: compilePattern(tags, "tags", index + 1),
  }));
  return (repository) => {
    const name = utf8(repository);
    const here = compiled.filter((rule) => matchesBytes(rule.repositories, name));
    const ruleOf = (tag: string) => {
      if (here.length === 0) return undefined;
      const bytes = utf8(tag);
      return here.find((rule) => matchesBytes(rule.tags, bytes))?.rule;
    };
    return Object.assign(ruleOf, { count: here.length });
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

/** Characters of the rules that are remembered: compiled, they take some forty times as many bytes. */
const MAX_REMEMBERED = 256 * 1024;
/** By their text, those of every tenant that somebody asks about: rules change seldom, and every push asks. */
const remembered = new Map<string, CompiledTagRules>();
let rememberedLength = 0;

/** The rules of `row` for one repository. */
export function rulesFor(row: OciTagRulesTable | undefined, repository: string): RulesOfRepository {
  const text = row?.rules ?? "[]";
  const known = remembered.get(text);
  if (known !== undefined) return known(repository);
  const compiled = compileTagRules(rulesOfRow(row));
  remembered.set(text, compiled);
  rememberedLength += text.length;
  for (const oldest of remembered.keys()) {
    if (rememberedLength <= MAX_REMEMBERED) break;
    remembered.delete(oldest);
    rememberedLength -= oldest.length;
  }
  return compiled(repository);
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
    ruleOf ??= rulesFor(row, repository);
    checkTagMayGo(ruleOf, repository, tag);
  }
}

/** @throws {RegistryError} `tag_immutable` */
export function checkTagMayGo(ruleOf: RulesOfRepository, repository: string, tag: string): void {
  const rule = ruleOf(tag);
  if (rule !== undefined) throw immutable(repository, tag, rule);
}

function immutable(repository: string, tag: string, rule: DecidingRule): RegistryError {
  const { position, repositories, tags } = rule;
  const message = `The tag ${tag} of ${repository} is immutable: rule ${position} (${tags} in ${repositories}) says so. It cannot move or be removed, nor can what it points at; push under another tag, or change the rules (\`artifactstore repo rules\`)`;
  return new RegistryError("tag_immutable", message, { repository, tag, rule });
}

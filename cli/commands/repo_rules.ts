/** Which tags are immutable: repo rules show, set, test. */
import {
  checkRepository,
  checkTag,
  compileTagRules,
  type DecidingRule,
  RegistryError,
  type TagRule,
  type TagRules,
  type TagRulesPreview,
} from "../../core/mod.ts";
import { type CommandSpec, option, wholeNumber } from "../context.ts";
import { readJson } from "../files/small_file.ts";
import { formatCount, type Output, printable, table } from "../output.ts";

export const rulesShow: CommandSpec = {
  usage: "show",
  summary: "the rules; with --json as `set` takes them",
  async run({ output, open }) {
    const { registry, caller } = await open();
    print(output, await registry.oci.getTagRules(caller));
    return undefined;
  },
};

export const rulesSet: CommandSpec = {
  usage: "set <file>",
  summary: "replace the rules by those of a JSON file, or of - (standard input)",
  options: [
    option("--reason <text>", "why; kept in the log"),
    option("--expected <revision>", "refuse if the rules are at another revision by now (default: what the file says)"),
    option("--dry-run", "set nothing; say which tags would become immutable or free"),
  ],
  async run({ output, open }, [path = ""], options) {
    const { rules, revision } = await readRules(path);
    compileTagRules(rules);
    const { registry, caller } = await open();
    if (options.dryRun === true) {
      const preview = await registry.oci.previewTagRules(caller, { rules });
      output.print(preview, () => describePreview(preview));
      return undefined;
    }
    if (options.reason === undefined) {
      throw new RegistryError("invalid_argument", "Say why with --reason, or look at the effect with --dry-run");
    }
    const expected =
      options.expected === undefined
        ? revision
        : wholeNumber("--expected", options.expected, 0, Number.MAX_SAFE_INTEGER);
    const reason = String(options.reason);
    const input = { rules, reason, ...(expected !== undefined && { expected }) };
    print(output, await registry.oci.setTagRules(caller, input));
    return undefined;
  },
};

export const rulesTest: CommandSpec = {
  usage: "test <repository> <tag>",
  summary: "which rule decides about a tag, whether it is there or not",
  options: [option("--rules <file>", "ask these rules (or -, standard input) instead of those that are set")],
  async run({ output, open }, [repository = "", tag = ""], options) {
    checkRepository(repository);
    checkTag(tag);
    const { registry, caller } = await open();
    const { rules } =
      options.rules === undefined ? await registry.oci.getTagRules(caller) : await readRules(String(options.rules));
    const rule = compileTagRules(rules)(repository)(tag);
    output.print({ repository, tag, immutable: rule !== undefined, rule: rule ?? null }, () => [
      rule === undefined
        ? `${repository}:${tag} is free: no rule has it`
        : `${repository}:${tag} is immutable: ${describeRule(rule)}`,
    ]);
    return undefined;
  },
};

const describeRule = ({ position, repositories, tags }: DecidingRule): string =>
  printable(`rule ${position} (${tags} in ${repositories})`);

function print(output: Output, found: TagRules): void {
  output.print(found, () => describe(found));
}

function describe({ revision, rules, reason, set_at, set_by }: TagRules): string[] {
  const head =
    revision === 0
      ? ["no rules, and there never were"]
      : [printable(`revision ${revision}, set ${set_at} by ${set_by}: ${reason}`)];
  if (rules.length === 0) return revision === 0 ? head : [...head, "no rules"];
  const columns = [
    { title: "RULE", align: "right" as const, value: ({ position }: DecidingRule) => String(position) },
    { title: "REPOSITORIES", value: ({ repositories }: DecidingRule) => repositories },
    { title: "TAGS", value: ({ tags }: DecidingRule) => tags },
  ];
  return [
    ...head,
    ...table(
      columns,
      rules.map((rule, index) => ({ position: index + 1, ...rule })),
    ),
  ];
}

function describePreview({ revision, tags, immutable, ...changing }: TagRulesPreview): string[] {
  const side = (what: string, { count, examples }: TagRulesPreview["becoming_free"]) => [
    `${formatCount(count)} would become ${what}`,
    ...examples.map(({ repository, tag, rule }) => `  ${repository}:${tag} (rule ${rule})`),
    ...(count > examples.length ? [`  and ${formatCount(count - examples.length)} more`] : []),
  ];
  return [
    `${formatCount(tags)} tags, ${formatCount(immutable)} of them immutable (revision ${revision})`,
    ...side("immutable", changing.becoming_immutable),
    ...side("free", changing.becoming_free),
  ];
}

/** A hundred rules with the longest patterns, escaped, are 600 KiB. */
const MAX_BYTES = 1024 * 1024;

interface RulesFile {
  readonly rules: readonly TagRule[];
  /** Of the rules that somebody began with. */
  readonly revision?: number;
}

/** A list of rules, or what `show --json` prints. @throws {RegistryError} `invalid_argument`, `limit_exceeded` */
async function readRules(path: string): Promise<RulesFile> {
  const wrong = (what: string) =>
    new RegistryError("invalid_argument", `${path === "-" ? "standard input" : path}: ${what}`);
  const given = await readJson(path, MAX_BYTES);
  const { rules, revision } = Array.isArray(given)
    ? { rules: given as unknown, revision: undefined }
    : ((given ?? {}) as { rules?: unknown; revision?: unknown });
  const form = 'a list of rules is wanted, each {"repositories": "<pattern>", "tags": "<pattern>"}';
  if (!Array.isArray(rules) || !rules.every(isRule)) throw wrong(form);
  if (revision !== undefined && !(Number.isSafeInteger(revision) && (revision as number) >= 0)) {
    throw wrong("`revision` is a whole number");
  }
  return { rules, ...(revision !== undefined && { revision: revision as number }) };
}

function isRule(value: unknown): value is TagRule {
  if (typeof value !== "object" || value === null) return false;
  const { repositories, tags, ...more } = value as Record<string, unknown>;
  return typeof repositories === "string" && typeof tags === "string" && Object.keys(more).length === 0;
}

/** What the use cases for immutable tags take and give; conventions as in `types.ts`. */
import type { TagRule } from "../events/types.ts";
import type { Caller } from "../spi/authenticator.ts";

/** Which tags of the tenant are immutable, and since when. */
export interface TagRules {
  /** 1, 2, 3 ...: how often they were set; 0: never. */
  readonly revision: number;
  /** In order: the first whose two patterns match is the one that is named. */
  readonly rules: readonly TagRule[];
  /** `null`, as what follows, where they were never set. */
  readonly reason: string | null;
  /** RFC 3339. */
  readonly set_at: string | null;
  readonly set_by: string | null;
}

export interface SetTagRulesInput {
  /** All rules, in order; 100 at most, each pattern of 512 bytes at most (`core/base/glob.ts`). */
  readonly rules: readonly TagRule[];
  /** 1 to 2000 characters. */
  readonly reason: string;
  /** The revision that was read; another one by now is refused. Without it the last one to set them wins. */
  readonly expected?: number;
}

export interface TagRulesPreview {
  /** Of the rules that it is compared with. */
  readonly revision: number;
  /** Tags that there are, and how many of them are immutable. */
  readonly tags: number;
  readonly immutable: number;
  readonly becoming_immutable: TagsThatChange;
  readonly becoming_free: TagsThatChange;
}

interface TagsThatChange {
  readonly count: number;
  /** The first 20 of them, in byte order. `rule`: which one, from 1, makes them immutable (or did). */
  readonly examples: readonly { readonly repository: string; readonly tag: string; readonly rule: number }[];
}

export interface TagRuleUseCases {
  /** The rules for immutable tags. */
  getTagRules(caller: Caller): Promise<TagRules>;
  /**
   * Replaces them; setting what there is changes nothing.
   * @throws {RegistryError} `invalid_argument` (a malformed pattern: `data.rule`, `data.field`, `data.at`; the reason),
   * `limit_exceeded`, `conflict` (`data.revision` is not `expected`)
   */
  setTagRules(caller: Caller, input: SetTagRulesInput): Promise<TagRules>;
  /** What setting these would change for the tags that there are. @throws {RegistryError} as `setTagRules`, `cancelled` */
  previewTagRules(caller: Caller, input: { readonly rules: readonly TagRule[] }): Promise<TagRulesPreview>;
}

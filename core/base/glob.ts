/**
 * Patterns over names, with exactly the meaning of Go's `path.Match`:
 *
 *   *            any bytes without "/", also none; two stars are two stars
 *   ?            one character, not "/"
 *   [a-z] [^a]   one character of these, or none of these. Nothing excepts "/": [^a] takes it
 *   \x           the character x, inside of a class as well
 *
 * A pattern covers the whole name. As in Go it works on UTF-8: a star ends where the rest first fits and never moves
 * again, and it may end inside a character, each byte of which then counts as one.
 *
 * Because a star never moves again, a match looks at no more than (length of the pattern) x (length of the name).
 */
import { utf8 } from "./bytes.ts";
import { RegistryError } from "./errors.ts";

/** More than any name that there is. */
export const MAX_GLOB_BYTES = 512;

export interface Glob {
  readonly pattern: string;
  /** What stands between stars, each after its star; only the first may have none. */
  readonly segments: readonly Segment[];
}

interface Segment {
  readonly star: boolean;
  readonly terms: readonly Term[];
}

/** Takes one byte, or one character. */
type Term =
  | { readonly takes: "byte"; readonly byte: number }
  | { readonly takes: "any" }
  | { readonly takes: "class"; readonly negated: boolean; readonly ranges: readonly Range[] };

/** Code points, both included; none where `low` is above `high`. */
interface Range {
  readonly low: number;
  readonly high: number;
}

/**
 * @throws {RegistryError} `invalid_argument` for what `path.Match` calls malformed, and more than `MAX_GLOB_BYTES`;
 * `data.at`: the character where it is, from 1
 */
export function compileGlob(pattern: string): Glob {
  const { length } = utf8(pattern);
  if (length > MAX_GLOB_BYTES) {
    const message = `A pattern has ${MAX_GLOB_BYTES} bytes at most, not ${length}`;
    throw new RegistryError("invalid_argument", message, { limit: MAX_GLOB_BYTES, bytes: length });
  }
  const characters = [...pattern];
  const broken = characters.findIndex((character) => !character.isWellFormed());
  if (broken >= 0) throw malformed(pattern, broken, "half of a surrogate pair is no character");
  const segments: Segment[] = [];
  let star = false;
  let terms: Term[] = [];
  let at = 0;
  while (at < characters.length) {
    const character = characters[at] as string;
    if (character === "*") {
      if (star || terms.length > 0) segments.push({ star, terms });
      while (characters[at] === "*") at++;
      star = true;
      terms = [];
    } else if (character === "?") {
      terms.push({ takes: "any" });
      at++;
    } else if (character === "[") {
      const { term, next } = classAt(pattern, characters, at);
      terms.push(term);
      at = next;
    } else {
      const escaped = character === "\\";
      const literal = escaped ? characters[at + 1] : character;
      if (literal === undefined) throw malformed(pattern, at, "nothing follows the \\; \\\\ is the character itself");
      for (const byte of utf8(literal)) terms.push({ takes: "byte", byte });
      at += escaped ? 2 : 1;
    }
  }
  if (star || terms.length > 0) segments.push({ star, terms });
  return { pattern, segments };
}

/** `[` `^`? (c | c `-` c)+ `]`, where c is any character but - and ], or \ and any. */
function classAt(pattern: string, characters: readonly string[], start: number): { term: Term; next: number } {
  const unclosed = (): RegistryError =>
    malformed(pattern, start, "the [ has no ] after it; \\[ is the character itself");
  let at = start + 1;
  const member = (missing: string): number => {
    const character = characters[at];
    if (character === "-" || character === "]") throw malformed(pattern, at, missing);
    const taken = character === "\\" ? characters[++at] : character;
    at++;
    if (taken === undefined) throw unclosed();
    return taken.codePointAt(0) as number;
  };
  const negated = characters[at] === "^";
  if (negated) at++;
  const ranges: Range[] = [];
  while (characters[at] !== "]" || ranges.length === 0) {
    const low = member("a character is wanted here; \\- and \\] are the characters themselves");
    let high = low;
    if (characters[at] === "-") {
      at++;
      high = member("the range has no end; \\- is the character itself");
    }
    ranges.push({ low, high });
  }
  return { term: { takes: "class", negated, ranges }, next: at + 1 };
}

function malformed(pattern: string, index: number, what: string): RegistryError {
  const at = index + 1;
  const message = `The pattern ${JSON.stringify(pattern)} is malformed at character ${at}: ${what}`;
  return new RegistryError("invalid_argument", message, { pattern: pattern.toWellFormed(), at });
}

export function matchesGlob(glob: Glob, name: string): boolean {
  return matchesBytes(glob, utf8(name));
}

const SLASH = 0x2f;

/** @param name well-formed UTF-8 */
export function matchesBytes({ segments }: Glob, name: ArrayLike<number>): boolean {
  let at = 0;
  for (const [index, { star, terms }] of segments.entries()) {
    const last = index === segments.length - 1;
    let end = endOf(terms, name, at);
    // Where it does not fit, the star takes another byte.
    for (let next = at; end < 0 || (last && end < name.length); next++) {
      if (!star || next === name.length || name[next] === SLASH) return false;
      end = endOf(terms, name, next + 1);
    }
    at = end;
  }
  return at === name.length;
}

/** Where `terms` end that begin at `at`; -1: they are not there. */
function endOf(terms: readonly Term[], name: ArrayLike<number>, at: number): number {
  // Each takes a byte at least.
  if (terms.length > name.length - at) return -1;
  let end = at;
  for (const term of terms) {
    if (end >= name.length) return -1;
    if (term.takes === "byte") {
      if (name[end] !== term.byte) return -1;
      end++;
      continue;
    }
    const { point, width } = characterAt(name, end);
    if (term.takes === "any" ? point === SLASH : !inClass(term, point)) return -1;
    end += width;
  }
  return end;
}

function inClass({ negated, ranges }: Extract<Term, { takes: "class" }>, point: number): boolean {
  return ranges.some(({ low, high }) => low <= point && point <= high) !== negated;
}

/** U+FFFD, one byte long, is the rest of a character whose beginning went to a star. */
function characterAt(name: ArrayLike<number>, at: number): { readonly point: number; readonly width: number } {
  const first = name[at] as number;
  if (first < 0x80) return { point: first, width: 1 };
  if (first < 0xc0) return { point: 0xfffd, width: 1 };
  const width = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  let point = first & (0x7f >> width);
  for (let i = 1; i < width; i++) point = (point << 6) | ((name[at + i] as number) & 0x3f);
  return { point, width };
}

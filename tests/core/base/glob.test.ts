/** Patterns: what Go's `path.Match` says, a naive reference, how much is looked at, and what is refused. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { compileGlob, MAX_GLOB_BYTES, matchesBytes, matchesGlob } from "../../../core/base/glob.ts";
import { disagreements, refusalOf } from "./glob_vectors/compare.ts";

describe("Go's path.Match", () => {
  test("agrees on every pattern and name of tests/vectors/glob.jsonl", async () => {
    const text = await Bun.file(join(import.meta.dir, "../../vectors/glob.jsonl")).text();
    const { seen, wrong } = disagreements(text);
    expect(wrong).toEqual([]);
    expect(seen).toBeGreaterThan(9000);
  });
});

/** A piece of a pattern, and which characters it takes; `undefined`: any number of them. */
interface Piece {
  readonly text: string;
  readonly takes: ((character: string) => boolean) | undefined;
}

const star: Piece = { text: "*", takes: undefined };
const question: Piece = { text: "?", takes: (c) => c !== "/" };
const literal = (c: string): Piece => ({ text: /[*?[\\]/.test(c) ? `\\${c}` : c, takes: (other) => other === c });
const escaped = (c: string): Piece => ({ text: `\\${c}`, takes: (other) => other === c });
const classOf = (from: string, to: string, negated: boolean): Piece => ({
  // Without "/", which a star before it would have to stand back for; stars never do.
  text: negated ? `[^/\\${from}-\\${to}]` : `[\\${from}-\\${to}]`,
  takes: (c) => c !== "/" && (point(from) <= point(c) && point(c) <= point(to)) !== negated,
});
const point = (c: string): number => c.codePointAt(0) as number;

/** Every way to give characters to pieces is tried. */
function naive(pieces: readonly Piece[], name: readonly string[]): boolean {
  const [first, ...rest] = pieces;
  if (first === undefined) return name.length === 0;
  if (first.takes !== undefined) {
    return name.length > 0 && first.takes(name[0] as string) && naive(rest, name.slice(1));
  }
  for (let taken = 0; taken <= name.length; taken++) {
    if (naive(rest, name.slice(taken))) return true;
    if (name[taken] === "/") return false;
  }
  return false;
}

const agrees = (pieces: readonly Piece[], name: readonly string[]) =>
  expect({
    pieces,
    name,
    matches: matchesGlob(compileGlob(pieces.map(({ text }) => text).join("")), name.join("")),
  }).toEqual({ pieces, name, matches: naive(pieces, name) });

/** Few, so that names and patterns meet. */
const ascii = fc.constantFrom(..."aaabbc-/*?[]^\\");
const any = fc.constantFrom(..."ab/é☺😀\uffff");
const one = (character: fc.Arbitrary<string>): fc.Arbitrary<Piece>[] => [
  character.map(literal),
  character.map(escaped),
  fc.constant(question),
  fc
    .record({ from: character, to: character, negated: fc.boolean() })
    .filter(({ from, to }) => point(from) > point("/") && point(to) > point("/"))
    .map(({ from, to, negated }) => classOf(from, to, negated)),
];

describe("a naive reference", () => {
  test("agrees where stars are", () => {
    const pieces = fc.array(fc.oneof({ weight: 2, arbitrary: fc.constant(star) }, ...one(ascii)), { maxLength: 7 });
    fc.assert(fc.property(pieces, fc.array(ascii, { maxLength: 8 }), agrees), { numRuns: 20_000 });
  });

  test("agrees on any characters, where no star may end inside of one", () => {
    const pieces = fc.array(fc.oneof(...one(any)), { maxLength: 4 });
    fc.assert(fc.property(pieces, fc.array(any, { maxLength: 4 }), agrees), { numRuns: 20_000 });
  });

  test("every piece of a name is matched by itself, escaped, and by stars between its slashes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (name) => {
        const quoted = [...name].map((c) => `\\${c}`).join("");
        const stars = name.replace(/[^/]*/g, "*");
        expect([quoted, stars].map((pattern) => matchesGlob(compileGlob(pattern), name))).toEqual([true, true]);
        expect(matchesGlob(compileGlob(quoted), `${name}x`)).toBe(false);
      }),
    );
  });
});

describe("what is looked at", () => {
  /** Bytes of the name that a match reads, one counted as often as it is read. */
  function readsOf(pattern: string, name: string): number {
    let reads = 0;
    const counted = new Proxy(new TextEncoder().encode(name), {
      get(bytes, key) {
        if (typeof key === "string" && /^\d+$/.test(key)) reads++;
        return Reflect.get(bytes, key, bytes);
      },
    });
    matchesBytes(compileGlob(pattern), counted);
    return reads;
  }

  const HARD: readonly ((size: number) => readonly [pattern: string, name: string])[] = [
    (size) => [`${"*a".repeat(size)}b`, "a".repeat(2 * size)],
    (size) => [`${"*".repeat(size)}b`, "a".repeat(size)],
    (size) => [`*${"a".repeat(size)}b`, "a".repeat(4 * size)],
    (size) => [`${"*?".repeat(size)}b`, "a".repeat(2 * size)],
    (size) => [`${"*[^b]".repeat(size)}[b]`, "a".repeat(2 * size)],
    (size) => [`${"*aaab".repeat(size)}c`, "aaab".repeat(2 * size)],
    (size) => [`${"*☺".repeat(size)}x`, "☺".repeat(2 * size)],
    (size) => [`${"*[☺-😀]?".repeat(size)}x`, "☺".repeat(2 * size)],
  ];

  test("is the pattern times the name at most, whatever was thought up", () => {
    for (const hard of HARD) {
      for (const size of [1, 10, 40]) {
        const [pattern, name] = hard(size);
        const lengths = [pattern, name].map((text) => new TextEncoder().encode(text).length) as [number, number];
        expect(readsOf(pattern, name)).toBeLessThanOrEqual((lengths[0] + 1) * (lengths[1] + 1));
      }
    }
  });

  test("grows with the square of both at most", () => {
    for (const hard of HARD) {
      const [small, large] = [readsOf(...hard(20)), readsOf(...hard(40))];
      expect(large).toBeLessThanOrEqual(4.5 * small + 20);
    }
  });

  test("is the name once for most patterns", () => {
    for (const [pattern, name] of [
      ["v*", "v1.2.3"],
      ["release/*/v[0-9]*", "release/2026/v1"],
      ["a?c", "abc"],
    ] as const) {
      expect(readsOf(pattern, name)).toBeLessThanOrEqual(2 * name.length);
    }
  });
});

describe("what is refused", () => {
  test("a malformed pattern is refused with what is wrong and where", () => {
    const said = (pattern: string) => {
      const error = refusalOf(pattern);
      return [error?.data.at, error?.message.split(": ").slice(1).join(": ")];
    };
    expect(said("a\\")).toEqual([2, "nothing follows the \\; \\\\ is the character itself"]);
    expect(said("😀[ab")).toEqual([2, "the [ has no ] after it; \\[ is the character itself"]);
    expect(said("a[b\\")).toEqual([2, "the [ has no ] after it; \\[ is the character itself"]);
    expect(said("[]")).toEqual([2, "a character is wanted here; \\- and \\] are the characters themselves"]);
    expect(said("x[^]")).toEqual([4, "a character is wanted here; \\- and \\] are the characters themselves"]);
    expect(said("[a-]")).toEqual([4, "the range has no end; \\- is the character itself"]);
    expect(said("*[a-b-c]*")).toEqual([6, "a character is wanted here; \\- and \\] are the characters themselves"]);
    expect(refusalOf("[a-")?.message).toBe(
      'The pattern "[a-" is malformed at character 1: the [ has no ] after it; \\[ is the character itself',
    );
  });

  test("what is no Unicode, and what is too long", () => {
    expect(refusalOf("a\ud800")?.message).toBe(
      'The pattern "a\\ud800" is malformed at character 2: half of a surrogate pair is no character',
    );
    expect(refusalOf("é".repeat(MAX_GLOB_BYTES / 2))).toBeUndefined();
    expect(refusalOf(`${"é".repeat(MAX_GLOB_BYTES / 2)}a`)?.data).toEqual({
      limit: MAX_GLOB_BYTES,
      bytes: MAX_GLOB_BYTES + 1,
    });
    // However long, it is not put into the message.
    expect(refusalOf(`${"[".repeat(1e6)}`)?.message.length).toBeLessThan(1000);
  });
});

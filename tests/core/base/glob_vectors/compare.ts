/** What Go said (main.go, a pattern a line), and where ours says something else: `bun compare.ts < lines`. */
import { compileGlob, matchesGlob } from "../../../../core/base/glob.ts";
import { isRegistryError, type RegistryError } from "../../../../core/mod.ts";

interface Vector {
  readonly pattern: string;
  readonly bad?: boolean;
  readonly matches?: readonly string[];
  readonly misses?: readonly string[];
}

export function refusalOf(pattern: string): RegistryError | undefined {
  try {
    compileGlob(pattern);
    return undefined;
  } catch (error) {
    if (isRegistryError(error, "invalid_argument")) return error;
    throw error;
  }
}

/** `seen`: pairs of a good pattern and a name. */
export function disagreements(lines: string): { readonly seen: number; readonly wrong: readonly unknown[] } {
  const [{ pairs }, ...vectors] = lines
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line)) as [{ pairs: number }, ...Vector[]];
  let seen = 0;
  const wrong: unknown[] = [];
  for (const { pattern, bad = false, matches = [], misses = [] } of vectors) {
    if ((refusalOf(pattern) !== undefined) !== bad) wrong.push({ pattern, bad });
    if (bad) continue;
    const glob = compileGlob(pattern);
    for (const name of matches) if (!matchesGlob(glob, name)) wrong.push({ pattern, misses: name });
    for (const name of misses) if (matchesGlob(glob, name)) wrong.push({ pattern, matches: name });
    seen += matches.length + misses.length;
  }
  if (pairs < seen || seen < pairs / 2) wrong.push({ pairs, seen });
  return { seen, wrong };
}

if (import.meta.main) {
  const { seen, wrong } = disagreements(await new Response(Bun.stdin.stream()).text());
  for (const one of wrong) console.log(JSON.stringify(one));
  console.log(`${seen} pairs`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

/** The known word that a misspelt one most likely stands for, if any is near enough to be helpful. */
export function nearest(word: string, among: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[-_.]/g, "");
  const wanted = plain(word);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of among) {
    const target = plain(candidate);
    // `dir` alone, or a key with the wrong section, is near to `data.dir` although many letters differ.
    const distance = target.endsWith(wanted) ? 1 : editDistance(wanted, target);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return bestDistance <= Math.max(2, Math.floor(wanted.length / 4)) ? best : undefined;
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

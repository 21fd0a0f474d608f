/** `Accept` (RFC 9110, section 12.5.1). */

/** The offer that the client likes best, the first where it does not mind; `undefined` when it takes none. */
export function negotiate<T extends string>(header: string | null, offers: readonly T[]): T | undefined {
  const ranges = (header ?? "*/*").split(",").flatMap((part) => {
    const [range = "", ...params] = part.split(";").map((text) => text.trim().toLowerCase());
    if (!/^(\*\/\*|[^\s/]+\/[^\s/]+)$/.test(range)) return [];
    const q = params
      .map((param) => /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(param)?.[1])
      .find((v) => v !== undefined);
    return [{ range, q: q === undefined ? 1 : Number(q) }];
  });
  // A header that says nothing is as good as none.
  if (ranges.length === 0) return offers[0];
  let best: { readonly offer: T; readonly q: number } | undefined;
  for (const offer of offers) {
    const wildcards = [offer, `${offer.split("/")[0]}/*`, "*/*"];
    const q = wildcards.map((wanted) => ranges.find(({ range }) => range === wanted)?.q).find((v) => v !== undefined);
    if (q !== undefined && q > (best?.q ?? 0)) best = { offer, q };
  }
  return best?.offer;
}

/** Lists of any length: page after page, each written out before the next is asked for. */
import type { Output } from "./output.ts";

interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
}

/** With --json one item a line. `lines`: of a page for people; `first`: whether it is the first one. */
export async function everyPage<T>(
  { output, signal }: { readonly output: Output; readonly signal: AbortSignal },
  page: (cursor: string | undefined) => Promise<Page<T>>,
  lines: (items: readonly T[], first: boolean) => readonly string[],
): Promise<void> {
  let cursor: string | undefined;
  let first = true;
  do {
    const { items, cursor: next } = await page(cursor);
    if (output.json) for (const item of items) output.print(item, () => []);
    else if (items.length > 0) output.print(items, () => lines(items, first));
    first = false;
    cursor = next;
    await output.flush();
    signal.throwIfAborted();
  } while (cursor !== undefined);
}

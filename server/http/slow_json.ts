/** A JSON answer that may take hours to find: clients and proxies give up on a connection on which nothing comes. */
import { json } from "../json.ts";

/** Less than any patience that is usual: nginx has 60 s, fetch of Bun and Node 300 s. */
const SILENCE = 15_000;

/**
 * As `json()` if the work is done soon. Otherwise the answer begins with 200, and spaces, which JSON allows before its
 * value, until there is one. What the work throws after that cuts the connection, as it cannot be said any more.
 */
export async function slowJson(work: Promise<unknown>, silence = SILENCE): Promise<Response> {
  const outcome = work.then((value) => ({ value }));
  const soon = await soonest(outcome, silence);
  if (soon !== undefined) return json(soon.value);
  const encoder = new TextEncoder();
  const { status, headers } = json(null);
  headers.delete("content-length");
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const done = await soonest(outcome, silence);
        controller.enqueue(encoder.encode(done === undefined ? " " : `${JSON.stringify(done.value)}\n`));
        if (done !== undefined) controller.close();
      },
      // Nobody reads on: the signal of the request tells the work, and what it makes of that is nobody's.
      cancel: () => void outcome.catch(() => {}),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { status, headers });
}

/** The outcome, or `undefined` when it takes longer. */
async function soonest<T>(outcome: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([outcome, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** JSON answers. One way, so that every body ends with a newline (people use curl) and none is cached by accident. */
const UTF8 = new TextEncoder();

export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  const body = UTF8.encode(`${JSON.stringify(value)}\n`);
  return new Response(body, {
    status,
    headers: {
      "content-type": "application/json",
      // So that the transport need not look whether more follows.
      "content-length": String(body.length),
      "cache-control": "private, no-store",
      ...headers,
    },
  });
}

/** JSON answers. One way, so that every body ends with a newline (people use curl) and none is cached by accident. */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { "content-type": "application/json", "cache-control": "private, no-store", ...headers },
  });
}

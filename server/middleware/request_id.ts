/** How a request is called in logs and events: as its client, or the proxy before us, calls it, else by a new name. */
const MAX_LENGTH = 64;

export function requestIdOf(headers: Headers): string {
  const sent = headers.get("x-request-id");
  return sent !== null && sent.length <= MAX_LENGTH && /^[\w\-=]+$/.test(sent) ? sent : crypto.randomUUID();
}

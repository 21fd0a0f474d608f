/** The path of a request, the same on every runtime (DESIGN 7). */
import { getPath } from "hono/utils/url";
import { RegistryError } from "../../core/mod.ts";
import type { Ask } from "../env.ts";
import { withNameEncoded } from "./repository_path.ts";

/**
 * What routes are matched against. Bun and Node resolve dot segments before anybody sees the URL, Deno does not: so it
 * is done here for all. A `..` that is not a segment of the URL (`%2F..%2F`) survives, and is refused as a path.
 */
export function routePath(request: Request): string {
  const { url } = request;
  const path = /\/(?:\.|%2e)|\\/i.test(url) ? getPath({ url: new URL(url).href } as Request) : getPath(request);
  return withNameEncoded(path);
}

/**
 * Hono passes on what it cannot decode; the name of a file, in path or query, must be exactly what the client meant.
 * @throws {RegistryError} `invalid_argument`
 */
export function wellFormedUrl({ request: { url } }: Ask): void {
  if (!url.includes("%")) return;
  try {
    decodeURIComponent(url.slice(url.indexOf("/", url.indexOf(":") + 3)));
  } catch {
    throw new RegistryError("invalid_argument", "The URL is not percent-encoded UTF-8 (a % itself is %25)");
  }
}

/**
 * A web page elsewhere must not write here. Browsers say where a request that changes something comes from; whoever says
 * nothing (curl, an SDK, a registry client) is no page. Reading is kept from pages by the absence of CORS headers.
 */
import type { Ask } from "../env.ts";
import { HttpError } from "../http/error.ts";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** `publicOrigin`: of `server.public_url`; a proxy may have put another Host before us. */
/** @throws {HttpError} `cross_origin` */
export function sameOrigin(publicOrigin: string | undefined): (ask: Ask) => void {
  return ({ request, client }) => {
    if (SAFE.has(request.method)) return;
    const { headers } = request;
    const site = headers.get("sec-fetch-site");
    const origin = headers.get("origin");
    const own = [`${client.scheme}://${headers.get("host") ?? new URL(request.url).host}`, publicOrigin];
    const fromElsewhere = site !== null && site !== "same-origin" && site !== "none";
    if (fromElsewhere || (origin !== null && !own.includes(origin.toLowerCase()))) {
      throw new HttpError("cross_origin", "A page of another origin may not change anything here");
    }
  };
}

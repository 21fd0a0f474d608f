/** Where a request came from: the peer itself, or whom a trusted proxy names. */
import type { MiddlewareHandler } from "hono";
import type { AppEnv, Client } from "../env.ts";
import { type AddressRange, inRanges } from "../http/address.ts";

/**
 * X-Forwarded-For is read from its end: each proxy appends whom it saw, so the last address that is no proxy of ours is
 * the client, and whatever stands before it the client made up. From anybody else these headers mean nothing.
 */
export function client(proxies: readonly AddressRange[]): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const { ip, encrypted = false } = c.env ?? {};
    let from = ip;
    let scheme: Client["scheme"] = encrypted ? "https" : "http";
    if (ip !== undefined && inRanges(ip, proxies)) {
      const hops = (c.req.header("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
      while (from !== undefined && inRanges(from, proxies)) {
        const hop = hops.pop();
        // A port may follow (some proxies write one), an IPv6 address then stands in brackets.
        const address = /^\[([0-9a-f:.]+)\](?::\d+)?$|^([\d.]+)(?::\d+)?$|^([0-9a-f:.]+)$/i.exec(hop ?? "");
        if (address === null) break;
        from = address[1] ?? address[2] ?? address[3];
      }
      const proto = c.req.header("x-forwarded-proto")?.split(",").at(-1)?.trim().toLowerCase();
      if (proto === "http" || proto === "https") scheme = proto;
    }
    c.set("client", { ip: from, scheme });
    await next();
  };
}

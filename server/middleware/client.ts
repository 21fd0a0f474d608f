/** Where a request came from: the peer itself, or whom a trusted proxy names. */
import type { Connection } from "../../core/spi/mod.ts";
import type { Client } from "../env.ts";
import { type AddressRange, inRanges } from "../http/address.ts";

/**
 * X-Forwarded-For is read from its end: each proxy appends whom it saw, so the last address that is no proxy of ours is
 * the client, and whatever stands before it the client made up. From anybody else these headers mean nothing.
 */
export function clientRule(
  proxies: readonly AddressRange[],
): (connection: Partial<Connection>, headers: Headers) => Client {
  return ({ ip, encrypted = false }, headers) => {
    let from = ip;
    let scheme: Client["scheme"] = encrypted ? "https" : "http";
    if (ip !== undefined && inRanges(ip, proxies)) {
      const hops = (headers.get("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
      while (from !== undefined && inRanges(from, proxies)) {
        const hop = hops.pop();
        // A port may follow (some proxies write one), an IPv6 address then stands in brackets.
        const address = /^\[([0-9a-f:.]+)\](?::\d+)?$|^([\d.]+)(?::\d+)?$|^([0-9a-f:.]+)$/i.exec(hop ?? "");
        if (address === null) break;
        from = address[1] ?? address[2] ?? address[3];
      }
      const proto = headers.get("x-forwarded-proto")?.split(",").at(-1)?.trim().toLowerCase();
      if (proto === "http" || proto === "https") scheme = proto;
    }
    return { ip: from, scheme };
  };
}

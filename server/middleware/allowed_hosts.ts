/**
 * DNS rebinding: a web page whose name suddenly resolves to 127.0.0.1 shares an origin with a local server, but its
 * browser still sends the page's name as Host. So only names that this server is known by are answered.
 */
import type { Ask } from "../env.ts";
import { HttpError } from "../http/error.ts";

export interface HostRules {
  /** The address that the server listens on; its name is allowed. Without brackets. */
  readonly listenHost?: string;
  /** More names, without ports. */
  readonly allowedHosts?: readonly string[];
}

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const WILDCARDS = ["0.0.0.0", "::"];

/** @throws {HttpError} `misdirected_request` */
export function allowedHosts(rules: HostRules): (ask: Ask) => void {
  const allow = hostPolicy(rules);
  return ({ request }) => {
    if (allow(request.headers.get("host") ?? new URL(request.url).host)) return;
    throw new HttpError(
      "misdirected_request",
      "This server does not answer to that Host. If it should, its operator adds the name to server.allowed_hosts.",
    );
  };
}

/** Decides about the value of a Host header, with or without a port. */
export function hostPolicy({ listenHost, allowedHosts = [] }: HostRules): (host: string) => boolean {
  const names = new Set([...LOOPBACK, ...allowedHosts.map((name) => name.toLowerCase())]);
  if (listenHost !== undefined) names.add(listenHost.includes(":") ? `[${listenHost}]` : listenHost.toLowerCase());
  // Who listens on every address is reached by addresses that are not known here. A rebound page always comes with a
  // name, so a literal address is safe to answer.
  const anyAddress = listenHost !== undefined && WILDCARDS.includes(listenHost);
  return (host) => {
    const name = /^(\[[0-9a-f:.]+\]|[^:[\]@/\s]+)(:\d*)?$/.exec(host.toLowerCase())?.[1]?.replace(/\.$/, "");
    if (name === undefined) return false;
    return names.has(name) || (anyAddress && (name.startsWith("[") || /^\d{1,3}(\.\d{1,3}){3}$/.test(name)));
  };
}

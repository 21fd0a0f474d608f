/**
 * What every request passes, whichever door it is for, and every answer: its id, the limits of its head, whom this server
 * answers to, the headers of answers, the log. Doors are behind it, and throw what they refuse.
 */
import { isRegistryError } from "../core/mod.ts";
import type { Connection } from "../core/spi/mod.ts";
import type { Ask } from "./env.ts";
import { errorResponse } from "./errors.ts";
import type { AddressRange } from "./http/address.ts";
import { HttpError } from "./http/error.ts";
import { routePath, wellFormedUrl } from "./http/path.ts";
import { type Reply, withoutBody } from "./http/reply.ts";
import { allowedHosts, type HostRules } from "./middleware/allowed_hosts.ts";
import { clientRule } from "./middleware/client.ts";
import { isOfAdministration, withErrorMember } from "./middleware/error_member.ts";
import { headLimits, type RequestLimits } from "./middleware/limits.ts";
import { requestIdOf } from "./middleware/request_id.ts";
import { type RequestEntry, requestLog } from "./middleware/request_log.ts";
import { responseHeaders } from "./middleware/response_headers.ts";
import { sameOrigin } from "./middleware/same_origin.ts";
import { ociErrorReply } from "./oci/errors.ts";
import { isOciPath } from "./oci/path.ts";

export type Door = (ask: Ask) => Reply | Promise<Reply>;

export interface FrontOptions {
  readonly publicUrl: string | undefined;
  readonly hosts: HostRules;
  readonly trustProxy: readonly AddressRange[];
  readonly limits: RequestLimits;
  readonly log: ((entry: RequestEntry) => void) | undefined;
  /** What was thrown, as an answer. */
  readonly fail: (error: unknown, ask: Ask) => Reply;
}

const nothing = () => {};

/** Never rejects, unless `door` and `fail` both do. */
export function createFront(
  options: FrontOptions,
  door: Door,
): (request: Request, connection?: Partial<Connection>) => Promise<Reply> {
  const { publicUrl, limits, fail } = options;
  const clientOf = clientRule(options.trustProxy);
  const checks = [
    headLimits(limits),
    allowedHosts(options.hosts),
    wellFormedUrl,
    sameOrigin(publicUrl === undefined ? undefined : new URL(publicUrl).origin),
  ];
  const addHeaders = responseHeaders(publicUrl);
  const note = requestLog(options.log);
  return async (request, connection = {}) => {
    const begun = performance.now();
    const { headers } = request;
    const path = routePath(request);
    const ask: Ask = {
      request,
      connection,
      path,
      warnings: [],
      onlyWaits: nothing,
      requestId: requestIdOf(headers),
      client: clientOf(connection, headers),
      maxJsonBytes: limits.maxJsonBytes,
    };
    let reply: Reply;
    try {
      for (const check of checks) check(ask);
      reply = await door(ask);
    } catch (error) {
      reply = fail(error, ask);
    }
    if (isOfAdministration(path)) reply = await withErrorMember(reply);
    if (request.method === "HEAD") reply = withoutBody(reply);
    addHeaders(reply, ask);
    note(ask, reply.status, begun);
    return reply;
  };
}

export interface FailedRequest {
  readonly request_id: string;
  readonly method: string;
  readonly path: string;
}

/** What was thrown, in the words of the door that it was thrown behind. `onError` gets what is a failure of ours. */
export function failures(onError: (error: unknown, request: FailedRequest) => void): FrontOptions["fail"] {
  return (error, { requestId, path, request: { method } }) => {
    const reply = isOciPath(path) ? ociErrorReply(error, path) : errorResponse(error, requestId);
    // Somebody who hangs up is no failure of ours, nor is what this program says that it cannot do.
    const isOurs = !(isRegistryError(error, "cancelled") || isRegistryError(error, "unsupported"));
    if (reply.status >= 500 && isOurs && !(error instanceof HttpError)) {
      onError(error, { request_id: requestId, method, path });
    }
    return reply;
  };
}

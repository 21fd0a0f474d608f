/** Who calls. The composition root says how to find out; no route is reached without an answer. */
import type { Caller } from "../../core/spi/mod.ts";
import type { Ask } from "../env.ts";

/** @throws {RegistryError} when the credentials are no good */
export type Authenticate = (request: Request) => Caller | Promise<Caller>;

export function authentication(authenticate: Authenticate): (ask: Ask) => Promise<Caller> {
  return async ({ request, client: { ip }, requestId }) => {
    const caller = await authenticate(request);
    return {
      ...caller,
      context: { ...caller.context, ...(ip !== undefined && { ip }), request_id: requestId },
      signal: request.signal,
    };
  };
}

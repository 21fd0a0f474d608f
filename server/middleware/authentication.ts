/** Who calls. The composition root says how to find out; no route is reached without an answer. */
import type { Caller } from "../../core/spi/mod.ts";
import type { Ask } from "../env.ts";

/** @throws {RegistryError} when the credentials are no good */
export type Authenticate = (request: Request) => Caller | Promise<Caller>;

export function authentication(authenticate: Authenticate): (ask: Ask) => Promise<Caller> {
  return async ({ request, client: { ip }, requestId }) => {
    const caller = await authenticate(request);
    const context = { ...caller.context, request_id: requestId };
    return { ...caller, context: ip === undefined ? context : { ...context, ip }, signal: request.signal };
  };
}

/**
 * Which feed a caller reads. The log is one for all tenants; whoever acts for a tenant sees that tenant's events,
 * counted by `tenant_sequence`, and nothing that tells how much goes on beside them (DESIGN 4).
 */

import { authorize, readsWholeLog } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import type { StoredEvent } from "../events/types.ts";
import type { LoadedEvent } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";

/** An event as its reader may see it. */
export interface FeedEvent extends Omit<LoadedEvent, "prev_hash" | "hash"> {
  /** In the feed: of the log, or of the tenant whose feed it is. */
  readonly sequence: number;
  /**
   * The link to the event before, and this event's. `null` in a tenant's feed once events of others came before: the
   * chain runs through those as well, and it would tell how many there are.
   */
  readonly prev_hash: Uint8Array | null;
  readonly hash: Uint8Array | null;
}

export interface EventScope {
  /** `undefined`: the whole log. */
  readonly tenant: string | undefined;
  present(event: LoadedEvent): FeedEvent;
}

/** `tenant`: whose feed is asked for; default: the widest that the caller may read. @throws {RegistryError} `access_denied` */
export function eventScope(caller: Caller, tenant?: string): EventScope {
  authorize(caller, "event:read");
  if (readsWholeLog(caller)) return { tenant, present: (event) => event };
  if (tenant === undefined || tenant === caller.tenant) return { tenant: caller.tenant, present: ofTenant };
  throw denied(caller, `events of tenant ${tenant}`);
}

/** For what concerns the log as a whole: its chain and head. @throws {RegistryError} `access_denied` */
export function authorizeLog(caller: Caller): void {
  authorize(caller, "event:read");
  if (!readsWholeLog(caller)) throw denied(caller, "the log of all tenants");
}

function denied(caller: Caller, what: string): RegistryError {
  return new RegistryError("access_denied", `${caller.principal.subject} may not read ${what}`, {
    action: "event:read",
    tenant: caller.tenant,
  });
}

/** One object per event, however many read it: what is derived from it can be kept beside it. */
const presented = new WeakMap<LoadedEvent, FeedEvent>();

function ofTenant(event: LoadedEvent): FeedEvent {
  let feedEvent = presented.get(event);
  if (feedEvent === undefined) {
    feedEvent = {
      ...event,
      sequence: event.tenant_sequence,
      ...(startsLog(event) ? {} : { prev_hash: null, hash: null }),
    };
    presented.set(event, feedEvent);
  }
  return feedEvent;
}

/** All events up to this one are its tenant's. */
function startsLog(event: Pick<StoredEvent, "sequence" | "tenant_sequence">): boolean {
  return event.sequence === event.tenant_sequence;
}

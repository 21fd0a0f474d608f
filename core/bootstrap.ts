/**
 * What every registry has from its first start, as events like everything else: the default tenant and five retention
 * classes. Idempotent, and decided under the head lock, so any number of processes may start at once.
 */

import { DEFAULT_TENANT } from "./access/decide.ts";
import type { EventPayloads, NewEvent } from "./events/types.ts";
import type { Ledger } from "./ledger/mod.ts";
import type { Caller } from "./spi/authenticator.ts";
import { want } from "./views/loader.ts";
import { retentionClassByName } from "./views/retention_classes.ts";
import { tenantByName } from "./views/tenants.ts";

type RetentionClass = EventPayloads["v1.retention_class.registered"];

export const DEFAULT_RETENTION_CLASSES: readonly RetentionClass[] = [
  { name: "transient", duration_days: 7, mode: "none" },
  { name: "working", duration_days: 90, mode: "none" },
  { name: "standard-evidence", duration_days: 365, mode: "governance" },
  { name: "release-evidence", duration_days: 7 * 365, mode: "governance" },
  { name: "permanent-record", duration_days: null, mode: "governance" },
];

const SYSTEM: Caller = {
  principal: { subject: "system:bootstrap", kind: "service", roles: [], tenants: [DEFAULT_TENANT] },
  tenant: DEFAULT_TENANT,
};

export async function bootstrap(ledger: Ledger): Promise<void> {
  const wants = Object.fromEntries(DEFAULT_RETENTION_CLASSES.map((c) => [c.name, want(retentionClassByName, c.name)]));
  await ledger.commit(SYSTEM, {
    wants: { tenant: want(tenantByName, DEFAULT_TENANT), ...wants },
    decide(found) {
      const events: NewEvent[] = [];
      if (found.tenant === undefined) {
        events.push({ type: "v1.tenant.created", subject: DEFAULT_TENANT, payload: { tenant: DEFAULT_TENANT } });
      }
      for (const retention of DEFAULT_RETENTION_CLASSES) {
        if ((found as Record<string, unknown>)[retention.name] !== undefined) continue;
        events.push({ type: "v1.retention_class.registered", subject: retention.name, payload: retention });
      }
      return { events, result: undefined };
    },
  });
}

/** Logs to read: many events fast, of types, subjects and tenants that a test chooses. */
import type { Caller, EventType, Registry } from "../../../core/mod.ts";
import { caller } from "../../support/registry_fixture.ts";

/** Acts for a tenant and may read nothing else. */
export const tenant: Caller = {
  principal: { subject: "local:guest", kind: "local", roles: [], tenants: ["elsewhere"] },
  tenant: "elsewhere",
};

let schemas = 0;

/** Appends `count` events of type v1.metadata_schema.registered in one commit; `size` is about that of the payload. */
export async function append(
  registry: Registry,
  count: number,
  { who = caller, subject = "s", size = 0 }: { who?: Caller; subject?: string; size?: number } = {},
): Promise<void> {
  const type: EventType = "v1.metadata_schema.registered";
  const schema = size === 0 ? {} : { title: "x".repeat(size) };
  const events = Array.from({ length: count }, () => ({
    type,
    subject,
    payload: { schema_id: `s${schemas++}`, schema },
  }));
  await registry.ledger.commit(who, { wants: {}, decide: () => ({ events, result: undefined }) });
}

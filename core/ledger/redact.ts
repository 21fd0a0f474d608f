/**
 * Erasure inside an append-only log. Only what concerns a subject whose deletion is itself in the log may go, and the
 * erasure is an event; the chain still verifies because it hashes commitments, not payloads.
 */
import { RegistryError } from "../base/errors.ts";
import type { EventType } from "../events/types.ts";
import { factKeys } from "../views/keys.ts";
import { type Loader, type Want, want } from "../views/loader.ts";
import { deletionOf } from "../views/packages.ts";
import { selectByKeys } from "../views/statements.ts";
import type { Unit } from "./unit.ts";

interface EventFacts {
  readonly sequence: number;
  readonly type: EventType;
  readonly tenant: string;
  readonly subject: string;
  readonly erased: boolean;
}

const eventFacts: Loader<number, EventFacts> = {
  name: "event",
  keyOf: factKeys.event,
  async load(db, sequences) {
    const keys = sequences.map((s) => [s]);
    const payloads = await selectByKeys(db, "event_payloads", ["sequence", "salt"], ["sequence"], keys);
    const erased = new Set(payloads.filter((row) => row.salt === null).map((row) => Number(row.sequence)));
    const rows = await selectByKeys(db, "events", ["sequence", "type", "tenant", "subject"], ["sequence"], keys);
    return new Map(
      rows.map((row) => {
        const sequence = Number(row.sequence);
        const facts = { ...row, sequence, type: row.type as EventType, erased: erased.has(sequence) };
        return [factKeys.event(sequence), facts];
      }),
    );
  },
};

type Tombstone = { readonly package_id: string; readonly tenant: string };

/** These carry no payload worth erasing, and the log needs them to explain what is missing. */
const KEPT: ReadonlySet<EventType> = new Set(["v1.package.deleted", "v1.event.redacted"]);

const MAX_REASON = 2000;

/** Why somebody did what cannot be undone. @throws {RegistryError} `invalid_argument` */
export function checkReason(reason: string): void {
  if (reason !== "" && reason.length <= MAX_REASON && reason.isWellFormed()) return;
  throw new RegistryError("invalid_argument", `A reason has 1 to ${MAX_REASON} characters`);
}

/**
 * Erases the payload and salt of one event. `subject` must be the event's own subject (the caller looked it up), so
 * that the deletion can be wanted in the same unit. Erasing twice does nothing.
 */
export function redactionOf(
  tenant: string,
  sequence: number,
  subject: string,
  reason: string,
): Unit<{ event: Want<EventFacts>; deletion: Want<Tombstone> }, { readonly erased: boolean }> {
  return {
    wants: { event: want(eventFacts, sequence), deletion: want(deletionOf, subject) },
    decide({ event, deletion }) {
      if (event === undefined || event.tenant !== tenant || event.subject !== subject) {
        throw new RegistryError("event_not_found", `There is no event ${sequence}`, { sequence });
      }
      if (KEPT.has(event.type)) {
        throw new RegistryError("unsupported", `An event of type ${event.type} is never erased`, {
          sequence,
          type: event.type,
        });
      }
      if (deletion === undefined) {
        throw new RegistryError(
          "conflict",
          `Event ${sequence} belongs to ${subject}, which is not deleted; only what concerns a deleted subject may be erased`,
          { sequence, subject },
        );
      }
      if (event.erased) return { events: [], result: { erased: false } };
      return {
        events: [{ type: "v1.event.redacted", subject, payload: { sequence, reason } }],
        result: { erased: true },
      };
    },
  };
}

/** The newest events of the log, in order and without gaps, as many as fit. */
import type { LoadedEvent } from "./scan.ts";

/** What is kept at most. */
export const RING_EVENTS = 2048;
const RING_BYTES = 8 * 1024 * 1024;

export class Ring {
  readonly #events = new Map<number, LoadedEvent>();
  #bytes = 0;
  #start = 0;
  #end = 0;
  /** By tenant: its events after this `tenant_sequence`, up to `last`, are here. Only tenants that have some. */
  readonly #tenants = new Map<string, { after: number; last: number }>();

  /** Every event after this sequence, up to `end`, is here. */
  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  /** Whether events will soon be dropped, if those after `sequence` are still wanted. */
  presses(sequence: number): boolean {
    return this.#end - sequence > RING_EVENTS / 2 || this.#bytes > RING_BYTES / 2;
  }

  at(sequence: number): LoadedEvent | undefined {
    return this.#events.get(sequence);
  }

  /** The event after `end`. */
  push(event: LoadedEvent): void {
    this.#events.set(event.sequence, event);
    this.#bytes += event.payload?.length ?? 0;
    this.#end = event.sequence;
    const known = this.#tenants.get(event.tenant);
    if (known !== undefined) known.last = event.tenant_sequence;
    else this.#tenants.set(event.tenant, { after: event.tenant_sequence - 1, last: event.tenant_sequence });
    while (this.#events.size > RING_EVENTS || this.#bytes > RING_BYTES) this.#dropOldest();
  }

  /** Forgets everything; goes on after `end`. */
  reset(end: number): void {
    this.#events.clear();
    this.#tenants.clear();
    this.#bytes = 0;
    this.#start = end;
    this.#end = end;
  }

  /**
   * Sequence after which whoever has everything up to `position` of this feed finds the rest here; `undefined` when not
   * all of it is here.
   */
  placeOf(tenant: string | undefined, position: number): number | undefined {
    if (tenant === undefined) return position >= this.#start && position <= this.#end ? position : undefined;
    const known = this.#tenants.get(tenant);
    if (known === undefined || position < known.after) return undefined;
    return position >= known.last ? this.#end : this.#start;
  }

  #dropOldest(): void {
    this.#start++;
    const oldest = this.#events.get(this.#start);
    if (oldest === undefined) return;
    this.#events.delete(this.#start);
    this.#bytes -= oldest.payload?.length ?? 0;
    const known = this.#tenants.get(oldest.tenant);
    if (known === undefined) return;
    known.after = oldest.tenant_sequence;
    if (known.after >= known.last) this.#tenants.delete(oldest.tenant);
  }
}

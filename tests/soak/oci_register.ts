/**
 * One fact that several clients change and read at once: what it may be, given who has been answered and who has not.
 * Who was answered before another one asked comes before; everything else may have happened in any order.
 */

/** A digest, `here`, or `null` for nothing. */
export type Value = string | null;

interface Write {
  readonly value: Value;
  readonly start: number;
  /** Answered, or past every effect; until then later than everything. */
  end: number;
  /** Which values are gone once this was answered: those of writes that had ended before it began. */
  readonly ends: (value: Value) => boolean;
}

/** What a fact may be while one request is under way. */
export class Observer {
  /** When it began. */
  readonly before: ReadonlySet<Value>;
  /** Of every change since. */
  readonly since: Value[] = [];
  readonly #leave: (observer: Observer) => void;

  constructor(before: ReadonlySet<Value>, leave: (observer: Observer) => void) {
    this.before = before;
    this.#leave = leave;
  }

  /** All that it may have been from beginning to end. */
  end(): ReadonlySet<Value> {
    this.#leave(this);
    return new Set([...this.before, ...this.since]);
  }
}

let time = 0;

export class Register {
  #writes: Write[] = [{ value: null, start: 0, end: 0, ends: () => true }];
  readonly #observers = new Set<Observer>();
  /** Since it was settled. */
  changed = false;

  /** What it may be now. */
  get values(): Set<Value> {
    return new Set(this.#writes.map(({ value }) => value));
  }

  /** Nobody is under way, and nothing but `value` has been seen. */
  settle(value: Value): void {
    this.#writes = [{ value, start: 0, end: 0, ends: () => true }];
    this.#observers.clear();
    this.changed = false;
  }

  observe(): Observer {
    const observer = new Observer(this.values, (gone) => this.#observers.delete(gone));
    this.#observers.add(observer);
    return observer;
  }

  /** A change that is asked for now. `ends`: none of them for one that may change nothing. */
  begin(value: Value, ends: Write["ends"] = () => true): Change {
    const write: Write = { value, start: ++time, end: Number.POSITIVE_INFINITY, ends };
    this.#writes.push(write);
    this.changed = true;
    for (const { since } of this.#observers) since.push(value);
    return {
      done: () => {
        write.end = ++time;
        this.#writes = this.#writes.filter(
          (other) => other === write || other.end > write.start || !write.ends(other.value),
        );
      },
      refused: () => {
        this.#writes = this.#writes.filter((other) => other !== write);
      },
      unknown: () => {
        write.end = ++time;
      },
    };
  }
}

/** How a change ended: as asked; not at all; nobody knows, but nothing of it comes later than now. */
export interface Change {
  done(): void;
  refused(): void;
  unknown(): void;
}

/** Several that happen together or not at all. More may join while it is under way. */
export class Act implements Change {
  readonly #changes: Change[] = [];

  join(change: Change): void {
    this.#changes.push(change);
  }

  done(): void {
    for (const change of this.#changes) change.done();
  }

  refused(): void {
    for (const change of this.#changes) change.refused();
  }

  unknown(): void {
    for (const change of this.#changes) change.unknown();
  }
}

/**
 * The live edge: the newest events, read once for all who follow the log. A commit of this process or of another, and a
 * poll every second, make one look at the head; what is new goes into a ring that every reader takes from at its own
 * pace. So a thousand readers cost the database what one does, and a reader that has fallen out of the ring
 * reads pages of its own. Nothing is ever queued for a reader.
 *
 * What is read is shown to the readers all at once. To give something to a thousand of them takes a while, so afterwards
 * they wait for twice as long: the rest of the time is the writers', and the more there is, the more comes at once.
 */
import { RegistryError } from "../base/errors.ts";
import { turn } from "../base/turn.ts";
import type { Database } from "../spi/database.ts";
import type { Tables } from "../views/tables.ts";
import { readHead } from "./read.ts";
import { RING_EVENTS, Ring } from "./ring.ts";
import { type LoadedEvent, load } from "./scan.ts";

const POLL = 1000;
/** Goes on after the last reader has left, ms: the next long-poll of the same client comes soon. */
const LINGER = 2000;
/** Read at once while the ring follows. */
const STEP = { limit: 256, bytes: 1024 * 1024 };
/** Readers that go on in one turn of the event loop; writers get the next one. */
const WOKEN_A_TURN = 32;
/** The rest after a round, in rounds, and in ms: not worth it below, too long for readers above. */
const REST = { factor: 2, least: 5, most: 250 };

/** What runs while somebody follows. */
interface Session {
  stop(): void;
  running: boolean;
  again: boolean;
  ended: boolean;
  /** Those who wait for a look at the log that begins after they asked. */
  asked: { resolve(): void; reject(error: unknown): void }[];
}

export class LiveEdge {
  readonly #database: Database<Tables>;
  readonly #ring = new Ring();
  /** Sequence up to which readers are shown the ring. */
  #end = 0;
  /** When the rest after the last round is over. */
  #rested = 0;
  #resting: ReturnType<typeof setTimeout> | undefined;
  readonly #waiting = new Map<() => void, (error: unknown) => void>();
  #followers = 0;
  #session: Promise<Session> | undefined;
  #current: Session | undefined;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(database: Database<Tables>) {
    this.#database = database;
  }

  /** Events were appended. Nothing happens unless somebody follows. */
  wake(): void {
    if (this.#current !== undefined) this.#look(this.#current);
  }

  /** Follows until the answer is called, once; from then on `end` and `refresh()` mean something. */
  async join(): Promise<() => void> {
    this.checkOpen();
    this.#followers++;
    clearTimeout(this.#linger);
    this.#session ??= this.#begin();
    const session = this.#session;
    try {
      await session;
      return () => this.#leave();
    } catch (error) {
      if (this.#session === session) this.#session = undefined;
      this.#leave();
      throw error;
    }
  }

  /** @throws {RegistryError} `cancelled` once it is closed */
  checkOpen(): void {
    if (this.#closed) throw closing();
  }

  /** Sequence up to which readers are shown the ring. */
  get end(): number {
    return this.#end;
  }

  /** Sequence up to which the ring has followed the log. */
  get loaded(): number {
    return this.#ring.end;
  }

  /** Where in the ring a reader goes on who has everything up to `position`; `undefined` when it must read pages. */
  placeOf(tenant: string | undefined, position: number): number | undefined {
    if (this.#current === undefined) return undefined;
    const place = this.#ring.placeOf(tenant, position);
    return place === undefined ? undefined : Math.min(place, this.#end);
  }

  /** Whether everything after `sequence` is in the ring. */
  covers(sequence: number): boolean {
    return this.#current !== undefined && sequence >= this.#ring.start && sequence <= this.#end;
  }

  /** The event, while it is in the ring. */
  at(sequence: number): LoadedEvent | undefined {
    return this.#ring.at(sequence);
  }

  /** Resolves when the ring has what was committed before this call. Many who ask at once share one look. */
  refresh(): Promise<void> {
    const session = this.#current;
    if (session === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      session.asked.push({ resolve, reject });
      this.#look(session);
    });
  }

  /** Resolves when readers are shown more, after `milliseconds`, or when the signal aborts. Rejects when reading fails. */
  grown(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (this.#closed) return Promise.reject(closing());
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal?.removeEventListener("abort", done);
      };
      const done = () => {
        end();
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#waiting.set(done, (error) => {
        end();
        reject(error);
      });
      signal?.addEventListener("abort", done, { once: true });
      if (signal?.aborted === true) done();
    });
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    this.#fail(closing());
  }

  #leave(): void {
    this.#followers--;
    if (this.#followers > 0 || this.#closed) return;
    this.#linger = setTimeout(() => this.#stop(), LINGER);
  }

  async #begin(): Promise<Session> {
    const unsubscribe = await this.#database.subscribe(() => this.wake());
    const timer = setInterval(() => this.wake(), POLL);
    const session: Session = {
      stop() {
        clearInterval(timer);
        unsubscribe().catch(() => {}); // a database that is gone has no subscribers either
      },
      running: false,
      again: false,
      ended: false,
      asked: [],
    };
    try {
      this.#reset((await readHead(this.#database.read)).sequence);
    } catch (error) {
      session.stop();
      throw error;
    }
    if (this.#closed) {
      session.stop();
      throw closing();
    }
    this.#current = session;
    // A commit since the head was read has woken nobody.
    this.#look(session);
    return session;
  }

  #stop(): void {
    clearTimeout(this.#linger);
    clearTimeout(this.#resting);
    this.#resting = undefined;
    const session = this.#current;
    this.#session = undefined;
    this.#current = undefined;
    this.#reset(0);
    if (session === undefined) return;
    session.ended = true;
    session.stop();
    for (const { reject } of session.asked.splice(0)) reject(closing());
  }

  /** One look at a time; one more if somebody asked meanwhile. */
  #look(session: Session): void {
    session.again = true;
    if (session.running) return;
    session.running = true;
    void this.#followLog(session);
  }

  async #followLog(session: Session): Promise<void> {
    while (session.again && !session.ended) {
      session.again = false;
      const asked = session.asked.splice(0);
      try {
        const shown = this.#end;
        await this.#readNew(session);
        for (const { resolve } of asked) resolve();
        // When the ring began anew, those who wait have to read pages: at once.
        if (this.#ring.end !== shown) await this.#show(session, this.#end !== shown);
      } catch (error) {
        for (const { reject } of asked) reject(error);
        if (!session.ended) this.#fail(error);
      }
    }
    session.running = false;
  }

  async #readNew(session: Session): Promise<void> {
    const { sequence: head } = await readHead(this.#database.read);
    if (session.ended) return;
    // Too far behind to be worth it, or another log under the same name (a restore): those who follow read pages.
    if (head < this.#ring.end || head - this.#ring.end > RING_EVENTS) this.#reset(head);
    while (this.#ring.end < head) {
      const count = Math.min(STEP.limit, head - this.#ring.end);
      const next = Array.from({ length: count }, (_, i) => this.#ring.end + 1 + i);
      const { events } = await load(this.#database.read, next, STEP.bytes);
      if (session.ended) return;
      // A gap is damage, which `events verify` reports; to wait for it would stop everybody.
      if (events.length === 0 || events.some((event, i) => event.sequence !== next[i])) return this.#reset(head);
      for (const event of events) this.#ring.push(event);
    }
  }

  #reset(end: number): void {
    this.#ring.reset(end);
    this.#end = end;
  }

  /** Shows readers what was loaded, and wakes them, unless they rest; then when that is over. */
  async #show(session: Session, atOnce: boolean): Promise<void> {
    const began = performance.now();
    // No rest when the ring would drop what nobody was shown: all of them would have to read pages then.
    if (began < this.#rested && !atOnce && !this.#ring.presses(this.#end)) {
      this.#resting ??= setTimeout(() => {
        this.#resting = undefined;
        this.#look(session);
      }, this.#rested - began);
      return;
    }
    this.#end = this.#ring.end;
    let woken = 0;
    for (const wake of [...this.#waiting.keys()]) {
      if (woken > 0 && woken % WOKEN_A_TURN === 0) await turn();
      wake();
      woken++;
    }
    const now = performance.now();
    const rest = (now - began) * REST.factor;
    this.#rested = rest < REST.least ? 0 : now + Math.min(rest, REST.most);
  }

  #fail(error: unknown): void {
    for (const reject of [...this.#waiting.values()]) reject(error);
  }
}

function closing(): RegistryError {
  return new RegistryError("cancelled", "The registry is closing; follow the log again elsewhere or later");
}

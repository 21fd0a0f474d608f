/**
 * A pool in the shape that Kysely's PostgresDialect expects, of postgres.js clients with one connection each.
 *
 * Why not postgres.js's own pool: when a backend is killed while queries wait, it ends the process (Node, Deno) or
 * strands them (Bun). And a client whose connection was lost connects again in silence, so that the rest of a
 * transaction would run outside it. Here a client is used by one caller at a time, one query at a time, and thrown
 * away as soon as its connection closes.
 */
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from "kysely";
import postgres from "postgres";
import { RegistryError } from "../../core/base/errors.ts";
import { isConnectionLost, plainError } from "./faults.ts";
import { textParameters, types } from "./values.ts";

export interface PoolOptions {
  readonly url: string;
  readonly max: number;
  /** Session parameters, sent when connecting. */
  readonly session: Readonly<Record<string, string>>;
}

/** Seconds. */
const CONNECT_TIMEOUT = 10;

/** A server keeps prepared statements as long as the session; a client that has made this many is replaced. */
const MAX_PREPARED = 1000;

/** What is worth preparing; the rest (begin, commit, set, DDL) goes by the simple protocol in one round trip. */
const PREPARED = /^\s*(?:select|insert|update|delete|with|merge)\b/i;

export function connectClient(options: Omit<PoolOptions, "max">, onclose?: () => void) {
  return postgres(options.url, {
    max: 1,
    fetch_types: false,
    // Its default ends connections at a random age, transaction or not.
    max_lifetime: null,
    connect_timeout: CONNECT_TIMEOUT,
    connection: { application_name: "artifactstore", ...options.session },
    types,
    onnotice: () => undefined,
    ...(onclose === undefined ? {} : { onclose }),
  });
}

class Client implements PostgresPoolClient {
  readonly #sql: ReturnType<typeof connectClient>;
  readonly #onRelease: (client: Client) => void;
  readonly #prepared = new Set<string>();
  #broken: Error | undefined;
  #failCurrent: ((error: Error) => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: PoolOptions, onRelease: (client: Client) => void, onBroken: (client: Client) => void) {
    this.#onRelease = onRelease;
    this.#sql = connectClient(options, () => {
      this.#broken ??= connectionClosed();
      // postgres.js forgets a query that was sent between a socket's error and its close.
      this.#failCurrent?.(this.#broken);
      onBroken(this);
    });
  }

  get usable(): boolean {
    return this.#broken === undefined && this.#prepared.size < MAX_PREPARED;
  }

  /** Kysely's declaration knows cursors as well; none are configured. */
  query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: never): R;
  query<R>(text: string, parameters: readonly unknown[] = []): Promise<PostgresQueryResult<R>> {
    // One at a time: of several in flight on a connection that dies, some would never settle.
    const result = this.#last.then(() => this.#run<R>(text, parameters));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** `destroy`: Kysely could not roll back, so nobody knows what state the session is in. */
  release(destroy = false): void {
    if (destroy) this.#broken ??= connectionClosed();
    this.#onRelease(this);
  }

  async end(): Promise<void> {
    await this.#sql.end({ timeout: this.#broken === undefined ? 5 : 0 }).catch(() => undefined);
  }

  async #run<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    if (this.#broken !== undefined) {
      // The server rolled back when the connection went; failing here would hide why the transaction failed.
      if (text === "rollback") return { command: "ROLLBACK", rowCount: 0, rows: [] };
      throw this.#broken;
    }
    const prepare = PREPARED.test(text);
    if (prepare) this.#prepared.add(text);
    const values = textParameters(parameters);
    try {
      const result = await new Promise<postgres.RowList<postgres.Row[]>>((resolve, reject) => {
        this.#failCurrent = reject;
        this.#sql
          .unsafe(text, values, { prepare, simple: !prepare && values.length === 0 } as object)
          .then(resolve, reject);
      });
      return {
        command: result.command as PostgresQueryResult<R>["command"],
        rowCount: result.count ?? 0,
        rows: Array.from(result) as R[],
      };
    } catch (error) {
      const plain = plainError(error);
      if (isConnectionLost(error)) this.#broken ??= plain;
      throw plain;
    } finally {
      this.#failCurrent = undefined;
    }
  }
}

export class Pool implements PostgresPool {
  readonly options: PoolOptions;
  readonly #idle: Client[] = [];
  readonly #waiting: { resolve(client: Client): void; reject(error: Error): void }[] = [];
  readonly #leaving = new Set<Promise<void>>();
  #size = 0;
  #ended = false;
  #drained: (() => void) | undefined;

  constructor(options: PoolOptions) {
    this.options = options;
  }

  async connect(): Promise<PostgresPoolClient> {
    if (this.#ended) throw poolClosed();
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#size < this.options.max) return this.#create();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Waits for callers that still hold a client; refuses those that wait for one. */
  async end(): Promise<void> {
    this.#ended = true;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(poolClosed());
    for (const client of this.#idle.splice(0)) this.#discard(client);
    if (this.#size > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    await Promise.all(this.#leaving);
  }

  #create(): Client {
    this.#size++;
    return new Client(
      this.options,
      (client) => this.#release(client),
      (client) => this.#forgetIdle(client),
    );
  }

  #release(client: Client): void {
    if (client.usable && !this.#ended) {
      const waiter = this.#waiting.shift();
      if (waiter !== undefined) waiter.resolve(client);
      else this.#idle.push(client);
      return;
    }
    this.#discard(client);
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) waiter.resolve(this.#create());
  }

  /** A connection that closes while nobody uses it must not be handed out. */
  #forgetIdle(client: Client): void {
    const at = this.#idle.indexOf(client);
    if (at === -1) return;
    this.#idle.splice(at, 1);
    this.#discard(client);
  }

  #discard(client: Client): void {
    this.#size--;
    const leaving = client.end().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
    if (this.#size === 0) this.#drained?.();
  }
}

function connectionClosed(): Error {
  return Object.assign(new Error("The connection to PostgreSQL was closed."), { code: "CONNECTION_CLOSED" });
}

function poolClosed(): Error {
  return new RegistryError("database_failed", "This database handle is closed.");
}

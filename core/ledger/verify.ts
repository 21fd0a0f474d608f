/**
 * Proof that the log is whole: every hash recomputed, every link followed, every sequence present. What it cannot
 * show alone is that the *whole* log was rewritten: compare a head that was kept elsewhere (`expect`).
 */
import { equalBytes, fromHex, toHex } from "../base/bytes.ts";
import { RegistryError } from "../base/errors.ts";
import { throwIfCancelled } from "../base/stream.ts";
import { turn } from "../base/turn.ts";
import { commitmentOf, GENESIS_HASH, hashOf } from "../events/chain.ts";
import { assertKnownType, decodePayload } from "../events/codec.ts";
import type { StoredEvent } from "../events/types.ts";
import type { Hasher } from "../identity/hasher.ts";
import type { Database } from "../spi/database.ts";
import type { Tables } from "../views/tables.ts";
import { readHead, readLog } from "./read.ts";

export interface ExpectedHead {
  readonly sequence: number;
  /** Lower-case hex. */
  readonly hash: string;
}

export interface VerifyLogOptions {
  readonly expect?: readonly ExpectedHead[];
  onProgress?(done: number, total: number): void;
  readonly signal?: AbortSignal;
}

export interface LogVerdict {
  readonly ok: boolean;
  readonly events: number;
  /** Payloads that were erased through `v1.event.redacted`. */
  readonly erased: number;
  readonly head: ExpectedHead;
  /** The first thing that is wrong. */
  readonly problem?: { readonly sequence: number; readonly message: string };
}

const PAGE = 1000;

/** `sequence:hash`, as `events head` prints it. @throws {RegistryError} `invalid_argument` */
export function parseHead(text: string): ExpectedHead {
  const match = /^(0|[1-9][0-9]{0,15}):([0-9a-f]{64})$/.exec(text);
  if (match === null) {
    throw new RegistryError("invalid_argument", "A log head reads <sequence>:<64 hexadecimal digits>", {
      head: text.slice(0, 120),
    });
  }
  return { sequence: Number(match[1]), hash: match[2] as string };
}

/** Where a log is read from, at one moment: a database's snapshot, or a server's feed. */
export interface LogSource {
  readonly head: { readonly sequence: number; readonly hash: Uint8Array };
  /** Events after `since`, in order, payloads of any size included, none beyond the head. None: that was all. */
  page(since: number): Promise<readonly StoredEvent[]>;
}

/** {@link verifyChain} of what the database has now. */
export async function verifyLog(
  database: Database<Tables>,
  hasher: Hasher,
  options: VerifyLogOptions = {},
): Promise<LogVerdict> {
  return await database.snapshot(async (trx) => {
    const page = (since: number) => readLog(trx, { since, limit: PAGE });
    return await verifyChain({ head: await readHead(trx), page }, hasher, options);
  });
}

/** Damage is the answer, not an exception. @throws {RegistryError} `unknown_event` for a type that is not known here */
export async function verifyChain(
  { head, page: read }: LogSource,
  hasher: Hasher,
  options: VerifyLogOptions = {},
): Promise<LogVerdict> {
  const expected = options.expect ?? [];
  const tenants = new Map<string, number>();
  const erasedAt: number[] = [];
  const redacted = new Set<number>();
  let previous: Uint8Array = GENESIS_HASH;
  let sequence = 0;
  const verdict = (message?: string, at = sequence): LogVerdict => ({
    ok: message === undefined,
    events: sequence,
    erased: erasedAt.length,
    head: { sequence: head.sequence, hash: toHex(head.hash) },
    ...(message === undefined ? {} : { problem: { sequence: at, message } }),
  });

  const isExpected = (at: number, hash: Uint8Array) =>
    expected.every((head) => head.sequence !== at || equalBytes(hash, fromHex(head.hash)));

  if (!isExpected(0, GENESIS_HASH)) return verdict("the expected hash of the empty log is 64 zeros", 0);
  for (;;) {
    throwIfCancelled(options.signal);
    const page = await read(sequence);
    if (page.length === 0) break;
    for (const event of page) {
      const at = sequence + 1;
      if (event.sequence !== at) return verdict(`event ${at} is missing`, at);
      const tenantSequence = (tenants.get(event.tenant) ?? 0) + 1;
      if (event.tenant_sequence !== tenantSequence) {
        return verdict(`event ${at} should be number ${tenantSequence} of its tenant`, at);
      }
      tenants.set(event.tenant, tenantSequence);
      if (!equalBytes(event.prev_hash, previous))
        return verdict(`event ${at} does not link to the event before it`, at);
      if (event.salt === null || event.context === null || event.payload === null) {
        if (event.salt !== null || event.context !== null || event.payload !== null) {
          return verdict(`event ${at} is half erased`, at);
        }
        erasedAt.push(at);
      } else if (!equalBytes(commitmentOf(hasher, event.salt, event.context, event.payload), event.commitment)) {
        return verdict(`the payload of event ${at} was changed`, at);
      }
      if (!equalBytes(hashOf(hasher, event), event.hash)) return verdict(`event ${at} was changed`, at);
      if (!isExpected(at, event.hash)) {
        return verdict(`event ${at} is not the one that was expected: the log was rewritten`, at);
      }
      // A type from the future might be another way to erase, so the rest could not be judged.
      assertKnownType(event.type, at);
      if (event.type === "v1.event.redacted" && event.payload !== null) {
        redacted.add((decodePayload(event.payload) as { sequence: number }).sequence);
      }
      previous = event.hash;
      sequence = at;
    }
    options.onProgress?.(sequence, head.sequence);
    await turn();
  }
  if (sequence !== head.sequence || !equalBytes(previous, head.hash)) {
    return verdict("the head does not name the last event: events were removed from the end", sequence);
  }
  for (const head of expected) {
    if (head.sequence > sequence) return verdict(`the log ends before the expected event ${head.sequence}`, sequence);
  }
  for (const at of erasedAt) {
    if (!redacted.has(at)) return verdict(`the payload of event ${at} is gone without an event that redacts it`, at);
  }
  return verdict();
}

/**
 * The yardstick for `events.ts`: what this machine can do with the same rows, encoding and hashes, but without a
 * registry: no units of work, no look-ups, no callers to answer, no Kysely. Multi-row prepared statements of
 * `node:sqlite`, one transaction per group.
 */
import { DatabaseSync } from "node:sqlite";
import { commitmentOf, hashOf, SALT_LENGTH } from "../../core/events/chain.ts";
import { encodeContext, encodePayload } from "../../core/events/codec.ts";
import type { NewEvent } from "../../core/events/types.ts";
import { createSystemIds, type Hasher } from "../../core/mod.ts";

const ROWS = 256;
const PRAGMAS = ["journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "recursive_triggers = ON"];

type Value = string | bigint | null | Uint8Array;

/**
 * Appends what `packages` calls of `createPackage` append, `group` packages a transaction.
 * @param path a migrated database with nothing but the bootstrap events in it.
 * @returns milliseconds
 */
export function appendBare(path: string, hasher: Hasher, packages: number, group: number): number {
  const db = new DatabaseSync(path);
  const ids = createSystemIds();
  try {
    for (const pragma of PRAGMAS) db.exec(`PRAGMA ${pragma}`);
    const inserts = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
    const insert = (table: string, columns: number, values: readonly Value[]): void => {
      for (let at = 0; at < values.length; ) {
        const rows = Math.min(ROWS, (values.length - at) / columns);
        const key = `${table} ${rows}`;
        let statement = inserts.get(key);
        if (statement === undefined) {
          const tuple = `(${Array(columns).fill("?").join(",")})`;
          statement = db.prepare(`insert into ${table} values ${Array(rows).fill(tuple).join(",")}`);
          inserts.set(key, statement);
        }
        statement.run(...values.slice(at, at + rows * columns));
        at += rows * columns;
      }
    };
    const head = db.prepare("select sequence, hash from event_head where id = 1").get() as {
      sequence: number;
      hash: Uint8Array;
    };
    const moveHead = db.prepare("update event_head set sequence = ?, hash = ? where id = 1");
    const moveViews = db.prepare("update view_state set applied_sequence = ?");
    const context = encodeContext(undefined);
    const [tenant, actor] = ["default", "local:bench"];
    let { sequence, hash } = head;

    const began = performance.now();
    for (let done = 0; done < packages; done += group) {
      const occurred_at = new Date().toISOString();
      const expires = new Date(Date.parse(occurred_at) + 90 * 86_400_000).toISOString();
      const [events, payloads, packageRows, retentionRows]: Value[][] = [[], [], [], []];
      for (let i = done; i < Math.min(done + group, packages); i++) {
        const subject = ids.uuid();
        const name = nameOf(i);
        const both: NewEvent[] = [
          {
            type: "v1.package.created",
            subject,
            payload: {
              name,
              version: null,
              retention_class: "working",
              metadata: {},
              metadata_schema: null,
              external_refs: [],
            },
          },
          {
            type: "v1.retention.default_applied",
            subject,
            payload: { retention_class: "working", mode: "none", expires_at: expires },
          },
        ];
        for (const event of both) {
          const payload = encodePayload(event);
          const salt = ids.random(SALT_LENGTH);
          const commitment = commitmentOf(hasher, salt, context, payload);
          const prev_hash = hash;
          sequence++;
          const sealed = { sequence, event_id: ids.uuid(), type: event.type, tenant, subject, actor, occurred_at };
          hash = hashOf(hasher, { ...sealed, commitment, prev_hash });
          const number = BigInt(sequence);
          const { event_id, type } = sealed;
          events?.push(
            number,
            event_id,
            type,
            tenant,
            number,
            subject,
            actor,
            occurred_at,
            commitment,
            prev_hash,
            hash,
          );
          payloads?.push(number, salt, context, payload);
        }
        // In the order of the migration's columns.
        const created = [subject, tenant, name, null, "open", "working", "{}", null, "[]", occurred_at, actor] as const;
        packageRows?.push(...created, BigInt(sequence - 1), null, null, null, null, null, null);
        retentionRows?.push(subject, tenant, "working", "none", expires, expires, occurred_at);
      }
      db.exec("begin immediate");
      insert("events", 11, events ?? []);
      insert("event_payloads", 4, payloads ?? []);
      insert("artifact_packages", 18, packageRows ?? []);
      insert("retention_state", 7, retentionRows ?? []);
      moveHead.run(BigInt(sequence), hash);
      moveViews.run(BigInt(sequence));
      db.exec("commit");
    }
    return performance.now() - began;
  } finally {
    db.close();
  }
}

/** The same names for both sides. */
export function nameOf(index: number): string {
  return `team/service-${index % 1000}`;
}

/**
 * The canonical dump: what "the same views" means. Tables in a fixed order, rows by primary key in byte order, each
 * row the canonical CBOR array of its values in column order; hashed, never kept. Equal live, after replay, on
 * SQLite and on PostgreSQL.
 */
import { type Kysely, sql } from "kysely";
import { concatBytes, toHex, utf8 } from "../base/bytes.ts";
import { type CborValue, encodeCbor } from "../base/cbor.ts";
import { turn } from "../base/turn.ts";
import type { Hasher } from "../identity/hasher.ts";
import { VIEWS } from "../views/mod.ts";
import type { Tables } from "../views/tables.ts";
import type { AnyViewTable } from "../views/view.ts";

export interface ViewsDigest {
  /** BLAKE3 over the digests of all tables, hex. */
  readonly digest: string;
  /** Hex by table name. */
  readonly tables: Readonly<Record<string, { readonly rows: number; readonly digest: string }>>;
}

const PAGE = 1000;

export async function digestViews(db: Kysely<Tables>, hasher: Hasher): Promise<ViewsDigest> {
  const all = hasher.create("blake3");
  const tables: Record<string, { rows: number; digest: string }> = {};
  for (const table of VIEWS.flatMap((view) => view.tables)) {
    const state = hasher.create("blake3");
    let rows = 0;
    for await (const page of rowsInOrder(db, table)) {
      // One call a page: for a short row, the way into the hash kernel is longer than the hashing.
      state.update(concatBytes(page.map((row) => encodeCbor(table.columns.map((column) => row[column] as CborValue)))));
      rows += page.length;
    }
    const digest = state.digest();
    tables[table.name] = { rows, digest: toHex(digest) };
    all.update(utf8(table.name));
    all.update(digest);
  }
  return { digest: toHex(all.digest()), tables };
}

type DumpRow = Readonly<Record<string, unknown>>;

async function* rowsInOrder(db: Kysely<Tables>, table: AnyViewTable): AsyncGenerator<readonly DumpRow[]> {
  const key = table.primaryKey;
  const keyRefs = sql.join(key.map((k) => sql.ref(k)));
  const columns = sql.join(table.columns.map((c) => sql.ref(c)));
  let after: readonly unknown[] | undefined;
  for (;;) {
    const where = after === undefined ? sql`` : sql` where (${keyRefs}) > (${sql.join(after)})`;
    const page =
      await sql<DumpRow>`select ${columns} from ${sql.table(table.name)}${where} order by ${keyRefs} limit ${sql.lit(PAGE)}`.execute(
        db,
      );
    yield page.rows;
    const last = page.rows.at(-1);
    if (last === undefined || page.rows.length < PAGE) return;
    after = key.map((k) => last[k]);
    await turn();
  }
}

/**
 * Migrates in a process of its own: `migrate_child.ts <kind> <url> [n]`. With `n`, it kills itself with SIGKILL just
 * before the n-th statement; `n` = -1 kills it before COMMIT, when every statement has run. Prints what was applied.
 */
import type { KyselyPlugin } from "kysely";
import type { Database, DatabaseKind } from "../../core/spi/database.ts";
import { migrate } from "../../migrations/mod.ts";
import { openTarget } from "../support/targets.ts";

const [kind, url, at] = process.argv.slice(2) as [DatabaseKind, string, string | undefined];
const db = await openTarget({ kind, url });
const die = () => process.kill(process.pid, "SIGKILL");

let statements = 0;
const counter: KyselyPlugin = {
  transformQuery({ node }) {
    statements++;
    if (at !== undefined && statements === Number(at)) die();
    return node;
  },
  transformResult: async ({ result }) => result,
};

const counted: Database = {
  ...db,
  exclusive: (work) =>
    db.exclusive(async (trx) => {
      const result = await work(trx.withPlugin(counter) as typeof trx);
      if (at === "-1") die();
      return result;
    }),
};
const { applied } = await migrate(counted);
console.log(JSON.stringify({ applied, statements }));
await db.close();

import process from "node:process";
import { createInterface } from "node:readline/promises";
import { loadHasher } from "../../adapters/hasher.ts";
import { bringUpToDate } from "../../adapters/local.ts";
import { type Database, RegistryError } from "../../core/mod.ts";
import { migrateFresh, schemaState } from "../../migrations/mod.ts";
import { openDatabase } from "../compose.ts";
import { type CommandSpec, option } from "../context.ts";
import { printable } from "../output.ts";

export const migrateCommand: CommandSpec = {
  usage: "migrate",
  summary: "bring the database up to date (serve and every other command do so too)",
  here: true,
  options: [
    option("--fresh", "drop everything first: every event and every name is lost; stored bytes stay as orphans"),
    option("--confirm <text>", "the confirmation that --fresh asks for, when nobody sits at a terminal"),
  ],
  async run({ output, config }, _args, options) {
    const hasher = await loadHasher();
    const database = await openDatabase(config);
    try {
      if (options.fresh === true) {
        await confirmLoss(database, options.confirm as string | undefined);
        await migrateFresh(database);
      }
      const { applied } = await bringUpToDate(database, hasher);
      const { version } = await schemaState(database);
      output.print({ applied, version, fresh: options.fresh === true }, () => [
        options.fresh === true
          ? `made anew, schema version ${version}`
          : applied.length === 0
            ? `up to date, schema version ${version}`
            : `applied ${applied.join(", ")}; schema version ${version}`,
      ]);
      return undefined;
    } finally {
      await database.close();
    }
  },
};

/** A log that holds anything is only destroyed by somebody who has typed how much. */
async function confirmLoss(database: Database, given: string | undefined): Promise<void> {
  const { version } = await schemaState(database);
  if (version === 0) return;
  const head = await database.read.selectFrom("event_head").select("sequence").where("id", "=", 1).executeTakeFirst();
  const events = Number(head?.sequence ?? 0);
  if (events === 0) return;
  const wanted = `destroy ${events} events`;
  const typed =
    given ??
    (await ask(`This destroys the log: ${events} events and every package in it. Type "${wanted}" to go on: `));
  if (typed?.trim() === wanted) return;
  throw new RegistryError(
    "not_empty",
    `The log holds ${events} events; nothing was changed. To destroy it, type ${JSON.stringify(wanted)} when asked or pass --confirm ${JSON.stringify(wanted)}${typed === undefined ? "" : ` (not ${JSON.stringify(printable(typed))})`}`,
    { events, confirm: wanted },
  );
}

async function ask(question: string): Promise<string | undefined> {
  if (process.stdin.isTTY !== true) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

/** What tags point at, and pointed at: repo tag history, restore. */
import { parseAsOf, RegistryError, type TagHistoryEntry } from "../../core/mod.ts";
import { type CommandSpec, option } from "../context.ts";
import { table } from "../output.ts";
import { everyPage } from "../pages.ts";

export const tagHistory: CommandSpec = {
  usage: "history <repository> <tag>",
  summary: "what a tag pointed at, newest first, over all repositories that had the name",
  async run({ output, open, signal }, [repository = "", tag = ""]) {
    const { registry, caller } = await open();
    await everyPage(
      { output, signal },
      (cursor) =>
        registry.oci.tagHistory(caller, { repository, tag, limit: 1000, ...(cursor !== undefined && { cursor }) }),
      (items, first) => table(COLUMNS, items).slice(first ? 0 : 1),
    );
    return undefined;
  },
};

const COLUMNS = [
  { title: "SEQUENCE", align: "right" as const, value: (e: TagHistoryEntry) => String(e.sequence) },
  { title: "WHEN", value: (e: TagHistoryEntry) => e.occurred_at },
  { title: "EVENT", value: eventOf },
  { title: "DIGEST", value: (e: TagHistoryEntry) => e.digest ?? "-" },
  { title: "STATE", value: stateOf },
  { title: "BY", value: (e: TagHistoryEntry) => e.actor },
];

function eventOf({ event, restored_from }: TagHistoryEntry): string {
  return event.replace(/^v1\.oci\./, "") + (restored_from === null ? "" : ` (from ${restored_from})`);
}

function stateOf({ state, removed, protected_until }: TagHistoryEntry): string {
  if (removed !== null) return `removed by ${removed.sequence}`;
  return protected_until === null ? state : `${state}, protected until ${protected_until}`;
}

export const tagRestore: CommandSpec = {
  usage: "restore <repository> <tag>",
  summary: "point a tag where it pointed before, if that is still there",
  options: [
    option("--as-of <point>", "a sequence of its history (after that event), or a time (before what came later)"),
  ],
  async run({ output, open }, [repository = "", tag = ""], options) {
    if (options.asOf === undefined) {
      throw new RegistryError(
        "invalid_argument",
        `Say when: --as-of <sequence or time>; \`artifactstore repo tag history ${repository} ${tag}\` shows both`,
      );
    }
    const asOf = parseAsOf(String(options.asOf));
    const { registry, caller } = await open();
    const done = await registry.oci.restoreTag(caller, { repository, tag, asOf });
    const { digest, previous, moved, restored_from } = done;
    output.print(done, () => [
      moved
        ? `${repository}:${tag} points at ${digest} again, as it did from event ${restored_from} on (it was ${previous ?? "deleted"})`
        : `${repository}:${tag} points at ${digest} already`,
    ]);
    return undefined;
  },
};

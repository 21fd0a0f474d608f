/** Looking after repositories of images and artifacts: repo list, show, delete. */
import {
  type DeletedRepository,
  RegistryError,
  type RepositoryDetails,
  type RepositorySummary,
} from "../../core/mod.ts";
import { type CommandSpec, option } from "../context.ts";
import { formatBytes, formatCount, printable, table } from "../output.ts";
import { everyPage } from "../pages.ts";

export const repoList: CommandSpec = {
  usage: "list [prefix]",
  summary: "repositories in byte order of their names, or those that begin with a prefix",
  async run({ output, open, signal }, [prefix]) {
    const { registry, caller } = await open();
    await everyPage(
      { output, signal },
      (cursor) =>
        registry.oci.browseRepositories(caller, {
          limit: 1000,
          ...(prefix !== undefined && { prefix }),
          ...(cursor !== undefined && { cursor }),
        }),
      (items, first) => table(COLUMNS, items).slice(first ? 0 : 1),
    );
    return undefined;
  },
};

const COLUMNS = [
  { title: "REPOSITORY", value: (r: RepositorySummary) => r.name },
  { title: "CREATED", value: (r: RepositorySummary) => r.created_at },
  { title: "BY", value: (r: RepositorySummary) => r.created_by },
];

export const repoShow: CommandSpec = {
  usage: "show <repository>",
  summary: "one repository: what is in it, when it was pushed to and pulled from",
  async run({ output, open }, [repository = ""]) {
    const { registry, caller } = await open();
    const found = await registry.oci.showRepository(caller, { repository });
    output.print(found, () => describe(found));
    return undefined;
  },
};

function describe(r: RepositoryDetails): string[] {
  return [
    `repository    ${r.name}`,
    `id            ${r.repository_id}`,
    `tags          ${formatCount(r.tags)}`,
    `manifests     ${formatCount(r.manifests)}`,
    `blobs         ${formatCount(r.blobs)}`,
    `bytes         ${formatCount(r.bytes)} (${formatBytes(r.bytes)})`,
    `created       ${r.created_at} by ${printable(r.created_by)}`,
    `last push     ${r.last_push ?? "nothing is there"}`,
    `last pull     ${r.last_pull === null ? `none since ${r.pull_tracking_since}` : `within the hour from ${r.last_pull}`}`,
  ];
}

export const repoDelete: CommandSpec = {
  usage: "delete <repository>",
  summary: "delete a repository with everything in it; the histories of its tags stay",
  options: [
    option("--reason <text>", "why; kept in the log"),
    option("--dry-run", "say what would go, and delete nothing"),
  ],
  async run({ output, open }, [repository = ""], options) {
    const dryRun = options.dryRun === true;
    if (!dryRun && options.reason === undefined) {
      throw new RegistryError("invalid_argument", "Say why: --reason. With --dry-run nothing is deleted");
    }
    const { registry, caller } = await open();
    const done = await registry.oci.deleteRepository(
      caller,
      dryRun ? { repository, dryRun } : { repository, reason: String(options.reason) },
    );
    output.print(done, () => [sentence(done)]);
    return undefined;
  },
};

function sentence({ name, tags, manifests, blobs, deleted }: DeletedRepository): string {
  const what = `${counted(tags, "tag")}, ${counted(manifests, "manifest")} and ${counted(blobs, "blob")}`;
  return deleted ? `deleted ${name} with ${what}` : `would delete ${name} with ${what}`;
}

const counted = (count: number, word: string): string => `${formatCount(count)} ${word}${count === 1 ? "" : "s"}`;

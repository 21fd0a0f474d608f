import { RegistryError } from "../../core/mod.ts";
import { type CommandSpec, duration, option } from "../context.ts";
import { JOB_OPTIONS, PATIENCE, readJob } from "../push/job.ts";

export const pushCommand: CommandSpec = {
  usage: "push <directory>",
  summary: "store a directory as a package behind a server; run again, it goes on where it was",
  options: [
    ...JOB_OPTIONS,
    option("--patience <duration>", "how long to wait for a server that does not answer: 30s, 10m, 2h", PATIENCE),
    option("--restart", "abandon what an earlier run has begun, and begin anew"),
  ],
  async run(context, [directory = ""], options) {
    if (context.config.client.server === undefined) {
      throw new RegistryError(
        "invalid_argument",
        "A push needs a server: name it with --server or ARTIFACTSTORE_SERVER, or use ingest for a store on this machine",
      );
    }
    // Loaded when it is wanted, as the client is.
    const { push } = await import("../push/push.ts");
    const patience = duration("--patience", options.patience);
    const job = await readJob(context, directory, options);
    return await push(context, job, { patience, restart: options.restart === true });
  },
};

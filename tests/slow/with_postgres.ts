/** Runs a command with `--database-url` of an empty PostgreSQL database added: `with_postgres.ts <command...>`. Exits like it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../support/postgres.ts";

const dir = mkdtempSync(join(tmpdir(), "artifactstore-with-postgres-"));
const server = await startPostgres();
try {
  const command = [...process.argv.slice(2), "--database-url", server.url, "--data-dir", dir];
  const child = Bun.spawn(command, { stdio: ["ignore", "inherit", "inherit"] });
  process.exitCode = await child.exited;
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

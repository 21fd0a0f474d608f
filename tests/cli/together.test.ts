/** Several processes on one data directory, which is what the quick start does. All succeed; the log is one log. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { DatabaseKind } from "../../core/spi/database.ts";
import { testPostgres } from "../support/postgres.ts";
import {
  cli,
  difference,
  ingest,
  json,
  jsonLines,
  ok,
  PATIENCE,
  type RuntimeName,
  start,
  temporary,
  type Where,
} from "./support.ts";
import { awkwardTree, noise, put } from "./trees.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("together");
const shared = join(dir, "shared");
put(shared, "same", noise(3 * 2 ** 20));
for (let i = 0; i < 60; i++) put(shared, `small/${i}`, `${i}`);

interface Crowd {
  readonly size: number;
  /** `serve`, or its alias. */
  readonly command: "serve" | "server";
  readonly database: DatabaseKind;
}

/** A server, ingests of equal and of own files, doctors and replays, all at once, from nothing. */
async function crowd({ size, command, database }: Crowd, where: (runtime: RuntimeName) => Where): Promise<void> {
  const server = start([command, "--listen", "127.0.0.1:0", "--json"], where("bun"));
  const ingests = Array.from({ length: size }, async (_, i) => {
    const tree = join(dir, `own-${i}`);
    put(tree, "own", noise(2 ** 20, i + 10));
    put(tree, "same", noise(3 * 2 ** 20));
    const of = where((["bun", "deno", "node"] as const)[i % 3] as RuntimeName);
    return await Promise.all([ingest(tree, of), ingest(shared, of)]);
  });
  const others = [["doctor", "--fix"], ["doctor"], ["replay", "--check"], ["events", "verify"], ["health"]].map(
    (args) => ok(args, where("bun")),
  );
  const done = (await Promise.all(ingests)).flat();
  await Promise.all(others);

  const first = await server.stdout.getReader().read();
  const [{ listening } = {}] = jsonLines(new TextDecoder().decode(first.value));
  const report = (await (await fetch(`${listening}/health`)).json()) as { registry: { head: { sequence: number } } };
  expect(report).toMatchObject({ status: "ok", database: { ok: true, kind: database } });
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);

  for (const { package_id } of done) {
    expect(await json(["verify", package_id], where("bun"))).toMatchObject({ ok: true });
  }
  expect(await json(["events", "verify"], where("bun"))).toMatchObject({ ok: true });
  expect((await json(["events", "head"], where("bun"))).sequence).toBeGreaterThanOrEqual(report.registry.head.sequence);
  expect(await json(["replay", "--check"], where("bun"))).toMatchObject({ ok: true });
  expect(await json(["doctor"], where("bun"))).toMatchObject({ healthy: true, missing: [], open_packages: 0 });
}

test("three runtimes, a server and doctors at once on one SQLite data directory", async () => {
  const data = join(dir, "data");
  await crowd({ size: 6, command: "server", database: "sqlite" }, (runtime) => ({ data, runtime }));
});

test("three runtimes, a server and doctors at once on one PostgreSQL database and one object directory", async () => {
  const env = { ARTIFACTSTORE_DATABASE_URL: await testPostgres() };
  const data = join(dir, "postgres");
  await crowd({ size: 2, command: "serve", database: "postgres" }, (runtime) => ({ data, runtime, env }));
});

test("of two that mend at once, one may be told who is at it", async () => {
  const where = { data: join(dir, "data") };
  const runs = await Promise.all([1, 2, 3].map(() => cli(["doctor", "--fix"], where)));
  for (const { code, stderr } of runs) {
    expect([0, 6]).toContain(code);
    if (code === 6) expect(stderr).toMatch(/\S+ \(bun, pid \d+\).* is doing "doctor --fix" since /);
  }
  expect(runs.some(({ code }) => code === 0)).toBe(true);
});

test("doctor --fix --grace 0s takes from a running ingest only what it can do without, or stops it", async () => {
  const where = { data: join(dir, "hasty") };
  await ok(["migrate"], where);
  for (let round = 0; round < 3; round++) {
    let running = true;
    const tree = join(dir, `hasty-${round}`);
    for (let i = 0; i < 300; i++) put(tree, `${i}`, `${round}/${i}`);
    const ingesting = cli(["ingest", tree, "--name", "demo", "--retention-class", "working", "--json"], where).finally(
      () => {
        running = false;
      },
    );
    while (running) expect((await cli(["doctor", "--fix", "--grace", "0s"], where)).code).toBe(0);
    const { code, stdout, stderr } = await ingesting;
    expect(stderr).not.toContain('"internal"');
    if (code === 0) {
      const [{ package_id } = {}] = jsonLines(stdout);
      expect(await json(["verify", String(package_id)], where)).toMatchObject({ ok: true });
    } else expect([4, 6]).toContain(code);
  }
  expect(await json(["doctor", "--grace", "0s"], where)).toMatchObject({ healthy: true, missing: [] });
  expect(await json(["replay", "--check"], where)).toMatchObject({ ok: true });
});

test("ARTIFACTSTORE_DATABASE_URL=postgres://... serves the whole command line, and its password is never printed", async () => {
  const url = new URL(await testPostgres());
  url.password = "hunter2";
  const where = { data: join(dir, "whole"), env: { ARTIFACTSTORE_DATABASE_URL: url.href } };
  const tree = join(dir, "tree");
  awkwardTree(tree);
  await ingest(tree, where, "--version", "1");
  const target = join(dir, "fetched");
  await ok(["fetch", "demo@1", target], where);
  expect(difference(tree, target)).toBe("");
  expect(await json(["health"], where)).toMatchObject({ status: "ok", database: { kind: "postgres" } });
  const { sequence } = await json(["events", "head"], where);
  expect(jsonLines(await ok(["events", "tail", "--json"], where))).toHaveLength(sequence as number);
  expect(await json(["replay", "--check"], where)).toMatchObject({ ok: true });
  expect(await ok(["config", "show"], where)).not.toContain("hunter2");
  const refused = await cli(["migrate", "--fresh"], where);
  expect(refused.code).toBe(4);
  expect(refused.stderr).not.toContain("hunter2");
  await ok(["migrate", "--fresh", "--confirm", `destroy ${sequence} events`], where);
  expect(await ok(["ls"], where)).toBe("");
});

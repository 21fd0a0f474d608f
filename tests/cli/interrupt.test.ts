/** Ended from outside: by Ctrl-C, by a reader that goes away. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import {
  cli,
  commandLine,
  environment,
  finished,
  ingest,
  json,
  jsonLines,
  ok,
  PATIENCE,
  RUNTIME_NAMES,
  staged,
  start,
  temporary,
  until,
} from "./support.ts";
import { put } from "./trees.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("interrupt");

/** Large enough to be stopped in the middle. */
const big = join(dir, "big");
truncateSync(put(big, "zeros", ""), 2 ** 30);
put(big, "small", "small");

describe.each(RUNTIME_NAMES)("on %s", (runtime) => {
  test("Ctrl-C in the middle of an ingest: exit code 130, the package is abandoned, nothing bad is left", async () => {
    const data = join(dir, `ingest-${runtime}`);
    const where = { data, runtime };
    const child = start(["ingest", big, "--name", "demo", "--retention-class", "working"], where);
    await until(() => staged(data).some((path) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0));
    child.kill("SIGINT");
    const run = await finished(child);
    expect(run).toMatchObject({ code: 130, stdout: "" });
    expect(run.stderr).toBe("artifactstore: interrupted\n");
    expect(staged(data)).toEqual([]);
    expect(jsonLines(await ok(["ls", "--json"], where))).toMatchObject([{ state: "abandoned" }]);
    expect(await json(["doctor", "--grace", "0s"], where)).toMatchObject({
      healthy: true,
      open_packages: 0,
      staged: [],
      missing: [],
    });
    expect(await json(["replay", "--check"], where)).toMatchObject({ ok: true });
  });

  test("events tail --follow shows what other processes do, and ends well with Ctrl-C", async () => {
    const where = { data: join(dir, `tail-${runtime}`), runtime };
    const { sequence } = await json(["events", "head"], where);
    const child = start(["events", "tail", "--follow", "--since", String(sequence), "--json"], where);
    const small = join(dir, "small");
    put(small, "a", "a");
    const { package_id } = await ingest(small, where);
    const seen: Record<string, unknown>[] = [];
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      seen.push(...lines.map((line) => JSON.parse(line)));
      if (seen.some(({ type }) => type === "v1.package.finalized")) break;
    }
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    expect(seen.map(({ type }) => type)).toEqual([
      "v1.package.created",
      "v1.retention.default_applied",
      "v1.object.stored",
      "v1.package.file_ingested",
      "v1.package.finalized",
    ]);
    expect(seen.at(-1)).toMatchObject({ subject: package_id, payload: { package: { name: "demo" } } });
  });

  test("a server ends well with Ctrl-C and with SIGTERM", async () => {
    const where = { data: join(dir, `serve-${runtime}`), runtime };
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const child = start(["serve", "--listen", "127.0.0.1:0", "--json"], where);
      const reader = child.stdout.getReader();
      const { listening } = JSON.parse(new TextDecoder().decode((await reader.read()).value));
      expect((await fetch(`${listening}/health`)).status).toBe(200);
      child.kill(signal);
      expect(await child.exited).toBe(0);
    }
  });
});

test("a reader that goes away ends a long list quietly and well", async () => {
  const data = join(dir, "many");
  const many = join(dir, "many-files");
  for (let i = 0; i < 2500; i++) put(many, `${i}`, "");
  await ingest(many, { data }, "--version", "1");
  for (const args of [
    ["ls", "demo@1"],
    ["events", "tail"],
    ["events", "tail", "--follow"],
  ]) {
    const line = commandLine(args, { data }).map((word) => `'${word}'`);
    const child = Bun.spawn(["bash", "-c", `${line.join(" ")} | head -n 1 > /dev/null; echo "\${PIPESTATUS[0]}"`], {
      env: environment(),
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await new Response(child.stdout).text()).toBe("0\n");
    expect(await new Response(child.stderr).text()).toBe("");
  }
});

test("a second Ctrl-C does not wait", async () => {
  const data = join(dir, "insists");
  const child = start(["serve", "--listen", "127.0.0.1:0", "--json"], { data });
  const { value } = await child.stdout.getReader().read();
  const { port } = new URL(JSON.parse(new TextDecoder().decode(value)).listening);
  // A request whose body never ends keeps a server from stopping gracefully.
  const socket = await Bun.connect({ hostname: "127.0.0.1", port: Number(port), socket: { data() {} } });
  const head = ["POST /packages HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", "Content-Length: 9"];
  socket.write(`${head.join("\r\n")}\r\n\r\n{`);
  await Bun.sleep(50);
  child.kill("SIGINT");
  await until(async () => {
    child.kill("SIGINT");
    return child.exitCode !== null;
  });
  expect(child.exitCode).toBe(130);
  socket.end();
});

test("Ctrl-C before anything has begun is no bug", async () => {
  const data = join(dir, "early");
  await ok(["migrate"], { data });
  for (const args of [["doctor"], ["replay", "--check"], ["events", "verify"], ["ls"]]) {
    const child = start(args, { data });
    // Somewhere between start and end, wherever that is.
    await Bun.sleep(150);
    child.kill("SIGINT");
    const { code, stderr } = await finished(child);
    expect(stderr).not.toContain("internal");
    expect([0, 130]).toContain(code);
  }
  expect((await cli(["doctor"], { data })).code).toBe(0);
});

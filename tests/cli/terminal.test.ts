/** With a person in front of it: the bar, and the one question that is ever asked. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import {
  cli,
  commandLine,
  environment,
  ingest,
  json,
  ok,
  PATIENCE,
  RUNTIME_NAMES,
  temporary,
  until,
  type Where,
} from "./support.ts";
import { noise, put } from "./trees.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("terminal");
const tree = join(dir, "tree");
put(tree, "file", noise(96 * 2 ** 20));
for (let i = 0; i < 200; i++) put(tree, `small/${i}`, `${i}`);

const open: Bun.Subprocess[] = [];
afterAll(() => {
  for (const child of open) child.terminal?.close();
});

/** A process on a terminal of its own; `seen.text` is what it shows, escape sequences included. */
function onTerminal(args: readonly string[], where: Where) {
  const seen = { text: "" };
  const decoder = new TextDecoder();
  const child = Bun.spawn(commandLine(args, where), {
    env: environment({ TERM: "xterm" }),
    terminal: { cols: 120, rows: 20, data: (_, data) => (seen.text += decoder.decode(data, { stream: true })) },
  });
  open.push(child);
  return { child, seen, type: (text: string) => child.terminal?.write(text) };
}

describe.each(RUNTIME_NAMES)("on %s", (runtime) => {
  const where = { data: join(dir, `data-${runtime}`), runtime };

  test("ingest draws a bar, and leaves only its result", async () => {
    const { child, seen } = onTerminal(["ingest", tree, "--name", "demo", "--retention-class", "working"], where);
    expect(await child.exited).toBe(0);
    expect(seen.text).toMatch(/\[=* *\] ingest \d+% {2}\d+\/201 files {2}[\d.]+ \w+ of 96 MiB/);
    // After the last erasure: what stays on the screen.
    const left = seen.text.slice(seen.text.lastIndexOf("\x1b[2K") + 4);
    expect(left).toMatch(/^package +[0-9a-f-]{36}\r\n/);
    expect(left).toMatch(/files +201\r\n/);
    expect(left).not.toContain("[=");
  });

  test("migrate --fresh asks, and does nothing unless the very words are typed", async () => {
    const { sequence } = await json(["events", "head"], where);
    for (const answer of ["yes", `destroy ${Number(sequence) + 1} events`, ""]) {
      const { child, seen, type } = onTerminal(["migrate", "--fresh"], where);
      await until(() => seen.text.includes("to go on: "));
      type(`${answer}\n`);
      expect(await child.exited).toBe(4);
      expect(seen.text).toContain("nothing was changed");
    }
    expect(await json(["events", "head"], where)).toMatchObject({ sequence });

    const { child, seen, type } = onTerminal(["migrate", "--fresh"], where);
    await until(() => seen.text.includes(`Type "destroy ${sequence} events" to go on: `));
    type(`destroy ${sequence} events\n`);
    expect(await child.exited).toBe(0);
    expect(seen.text).toContain("made anew");
    expect(await ok(["ls"], where)).toBe("");
  });
});

describe("migrate --fresh without a terminal", () => {
  const where = { data: join(dir, "scripted") };

  test("needs no word for a database that is not there, or holds no event", async () => {
    expect(await json(["migrate", "--fresh"], where)).toMatchObject({ fresh: true });
    expect(await json(["migrate"], where)).toMatchObject({ applied: [], fresh: false });
    expect(await json(["migrate", "--fresh"], where)).toMatchObject({ fresh: true });
  });

  test("refuses a log that is not empty, unless --confirm says what is lost", async () => {
    const small = join(dir, "small");
    put(small, "a", "a");
    await ingest(small, where);
    const { sequence } = await json(["events", "head"], where);
    for (const confirm of [[], ["--confirm", "yes"], ["--confirm", "destroy 1 events"]]) {
      const refused = await cli(["migrate", "--fresh", ...confirm], where);
      expect(refused).toMatchObject({ code: 4, stdout: "" });
      expect(refused.stderr).toContain(`"destroy ${sequence} events"`);
    }
    expect(await json(["events", "head"], where)).toMatchObject({ sequence });
    await ok(["migrate", "--fresh", "--confirm", `destroy ${sequence} events`], where);
    expect(await ok(["ls"], where)).toBe("");
    // The bytes are still there, without a name; doctor says so.
    expect((await json(["doctor", "--grace", "0s"], where)).orphans).toHaveLength(1);
  });

  test("Ctrl-C at the question changes nothing", async () => {
    const small = join(dir, "small");
    await ingest(small, where);
    const { sequence } = await json(["events", "head"], where);
    const { child, seen, type } = onTerminal(["migrate", "--fresh"], where);
    await until(() => seen.text.includes("to go on: "));
    type("\x03");
    expect(await child.exited).not.toBe(0);
    expect(await json(["events", "head"], where)).toMatchObject({ sequence });
  });
});

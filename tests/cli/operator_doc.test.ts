/** docs/operator.md says what the program does: settings, exit codes and commands are compared with the code. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { settings } from "../../cli/config/schema.ts";
import { ERROR_EXITS, EXIT } from "../../cli/output/exit_codes.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(join(ROOT, "docs/operator.md"), "utf8");

/** The table row whose first cell is this, as cells. */
function rowOf(first: string): readonly string[] {
  const rows = page.split("\n").filter((line) => line.startsWith(`| ${first} |`));
  expect(rows, `rows for ${first}`).toHaveLength(1);
  return (rows[0] as string).split("|").map((cell) => cell.trim());
}

const coded = (cell: string | undefined) => [...(cell ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);

describe("settings in the operator's guide", () => {
  test.each(settings.map((setting) => [setting.key, setting] as const))("%s", (key, setting) => {
    const [, , fallback, env] = rowOf(`\`${key}\``);
    expect(coded(env)).toEqual([...setting.env]);
    const written = coded(fallback)[0];
    if (written === undefined) expect(setting.defaultValue ?? []).toEqual([]);
    else expect(setting.read(written)).toEqual(setting.defaultValue);
  });

  test("are the settings that there are", () => {
    const sections = new Set(settings.map(({ section }) => section));
    const named = coded(page.replace(/^```[\s\S]*?^```/gm, "")).filter((text) => {
      const [section, name, more] = text.split(".");
      return more === undefined && sections.has(section as string) && /^[a-z_]+( = true)?$/.test(name ?? "");
    });
    const known = settings.map(({ key }) => key as string);
    expect(named.map((text) => text.split(" ")[0] as string).filter((key) => !known.includes(key))).toEqual([]);
  });
});

describe("exit codes in the operator's guide", () => {
  test.each(Object.entries(EXIT))("%s is %d, with its error codes", (_name, exit) => {
    const codes = Object.entries(ERROR_EXITS).filter(([, to]) => to === exit);
    expect(coded(rowOf(String(exit))[3]).sort()).toEqual(codes.map(([code]) => code).sort());
  });
});

async function help(...words: string[]): Promise<string> {
  const command = [process.execPath, "cli/main.ts", ...words, "--help"];
  const child = Bun.spawn(command, { cwd: ROOT, stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed`);
  return text;
}

/** `name|alias [options] <argument>` -> name, arguments, aliases. */
function commandsOf(text: string) {
  const listed = /^Commands:\n((?: {2}.*\n?)+)/m.exec(text)?.[1] ?? "";
  return [...listed.matchAll(/^ {2}([a-z|-]+)((?: [[<]\S+[\]>])*)/gm)]
    .map(([, names, rest]) => {
      const [name = "", ...aliases] = (names as string).split("|");
      return { name, aliases, words: (rest as string).replace(" [options]", "") };
    })
    .filter(({ name }) => name !== "help");
}

/** Options of the command itself: what stands before the settings that all commands take. */
function optionsOf(text: string): string[] {
  const own = text.split(/^Settings:/m)[0] as string;
  return [...own.matchAll(/^ {2}(?:-\w, )?(--[a-z0-9-]+)/gm)].map((match) => match[1] as string);
}

type Described = ReturnType<typeof commandsOf>[number] & { readonly text: string };

/** A group's commands in its place: `events tail`, `repo rules show`. */
async function everyCommand(...group: string[]): Promise<Described[]> {
  const found: Described[] = [];
  for (const command of commandsOf(await help(...group))) {
    const words = [...group, command.name];
    const text = await help(...words);
    if (commandsOf(text).length > 0) found.push(...(await everyCommand(...words)));
    else found.push({ ...command, name: words.join(" "), text });
  }
  return found;
}

const commands = await everyCommand();

describe("commands in the operator's guide", () => {
  test("are the commands that there are", () => {
    const headings = [...page.matchAll(/^### `artifactstore (.*)`$/gm)].map((match) => match[1] as string);
    expect(headings.sort()).toEqual(commands.map(({ name, words }) => name + words).sort());
    expect(commands.length).toBeGreaterThan(15);
  });

  test.each(commands.map((command) => [command.name, command] as const))("%s, with its options", (name, command) => {
    const start = page.indexOf(`### \`artifactstore ${name}${command.words}\``);
    expect(start).toBeGreaterThan(0);
    const section = page.slice(start, page.indexOf("\n##", start + 3));
    const common = ["--json", "--help"];
    const missing = optionsOf(command.text).filter(
      (option) => !common.includes(option) && !new RegExp(`\`${option}[ \`]`).test(section),
    );
    expect(missing).toEqual([]);
    for (const alias of command.aliases) expect(section).toContain(`\`${alias}\``);
  });
});

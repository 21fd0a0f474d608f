import { expect, test } from "bun:test";
import { COMMANDS, type Entry, findEntries } from "../../cli/commands.ts";

/** Their words as they are found by, and as the modules that are loaded say them. */
async function words(entries: readonly Entry[]): Promise<[listed: string, loaded: string][]> {
  const found = entries.map(async (entry): Promise<[string, string][]> => {
    if ("of" in entry) return await words(entry.of);
    const { usage, alias } = await entry.load();
    return [[`${entry.name} ${entry.alias ?? ""}`, `${usage.split(" ")[0]} ${alias ?? ""}`]];
  });
  return (await Promise.all(found)).flat();
}

test("every command is listed by the name and the alias that its module gives it", async () => {
  const found = await words(COMMANDS);
  expect(found.length).toBeGreaterThan(COMMANDS.length);
  for (const [listed, loaded] of found) expect(listed).toBe(loaded);
});

test("a command line that begins with a command loads that one, any other all of them", () => {
  for (const name of ["serve", "server"]) expect(findEntries([name, "--json"]).map((e) => e.name)).toEqual(["serve"]);
  expect(findEntries(["repo", "list"]).map((e) => e.name)).toEqual(["repo"]);
  for (const args of [[], ["--help"], ["serv"], ["history"]]) expect(findEntries(args)).toBe(COMMANDS);
});

/** Pages that nobody can reach, links that lead nowhere, decisions without a place: caught before a reader meets them. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { ROOT } from "./tree.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

function pages(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: folder !== ".", encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => posix.join(folder, name));
}

/** Relative targets of `[text](target)`, resolved from the page, code blocks left out. */
function linksOf(page: string): string[] {
  const prose = read(page)
    .replace(/^(`{3,})[\s\S]*?^\1/gm, "")
    .replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)]
    .map((match) => match[1] as string)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => posix.join(dirname(page), target));
}

const everyPage = [...pages("."), ...pages("docs"), ...pages("workplans")];
const decisions = pages("docs/decisions").filter((page) => /\/\d{4}-[a-z0-9-]+\.md$/.test(page));

describe("documents", () => {
  test("link to nothing that is not there", () => {
    const broken = everyPage.flatMap((page) =>
      linksOf(page)
        .filter((target) => !existsSync(join(ROOT, target)))
        .map((target) => `${page} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test("name no path of somebody's machine", () => {
    const found = everyPage.filter((page) => /(?<![\w.])\/(?:work|home|root|Users)\//.test(read(page)));
    expect(found).toEqual([]);
  });
});

describe("decisions", () => {
  test("are numbered from 0001 without gaps or doubles", () => {
    const numbers = decisions.map((page) => Number(page.match(/\/(\d{4})-/)?.[1])).sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_number, i) => i + 1));
    expect(numbers.length).toBeGreaterThanOrEqual(6);
  });

  test("are in the index, and linked from a page outside their folder", () => {
    const index = linksOf("docs/decisions/README.md");
    const outside = everyPage.filter((page) => !page.startsWith("docs/decisions/")).flatMap(linksOf);
    const unlinked = (links: string[]) => decisions.filter((page) => !links.includes(page));
    expect({ index: unlinked(index), outside: unlinked(outside) }).toEqual({ index: [], outside: [] });
  });

  test("say context, decision, consequences and alternatives", () => {
    const parts = ["Context", "Decision", "Consequences", "Alternatives"];
    const lacking = decisions.flatMap((page) =>
      parts.filter((part) => !read(page).includes(`\n## ${part}`)).map((part) => `${page}: ${part}`),
    );
    expect(lacking).toEqual([]);
  });
});

describe("workplans", () => {
  test("have the frontmatter of the seeds, and an id that their name carries", () => {
    const plans = pages("workplans").filter((page) => !page.endsWith("README.md"));
    expect(plans.length).toBeGreaterThan(0);
    for (const page of plans) {
      const [, id] = read(page).match(/^---\nid: (ARTIFACT-STORE-WP-\d{4})\ntype: workplan\n/) ?? [];
      expect(page).toContain(id ?? "no id in the frontmatter");
      expect(read("docs/ROADMAP.md")).toContain(id?.slice("ARTIFACT-STORE-".length) ?? "");
    }
  });

  test("claim done only for tasks in a page without an empty or open evidence cell", () => {
    for (const page of pages("workplans")) {
      if (!/^status: done$/m.test(read(page).split("\n---")[0] ?? "")) continue;
      expect(read(page)).not.toMatch(/^\|.*\| *\|$/m);
      // "What follows "open:" is not proven", at the start of a cell and after what is.
      expect(read(page)).not.toMatch(/^\|(?:.*[|;])? *open:/m);
    }
  });
});

/** `.ci/run` is what everybody believes, so it is run here in a small project whose `npm` prints what a test says. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./tree.ts";

const base = mkdtempSync(join(tmpdir(), "ci-run-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

function script(path: string, lines: string): void {
  writeFileSync(path, `#!/usr/bin/env bash\n${lines}\n`);
  chmodSync(path, 0o755);
}

/** Runs `.ci/run` where `npm test` does `npmTest` and `tests/slow/<name>.sh` does `slow[name]`. */
function run(npmTest: string, slow: Record<string, string> = {}): { exitCode: number; last: string; printed: string } {
  const dir = mkdtempSync(join(base, "project-"));
  for (const folder of [".ci", "bin", "tests/slow"]) mkdirSync(join(dir, folder), { recursive: true });
  cpSync(join(ROOT, ".ci/run"), join(dir, ".ci/run"));
  script(join(dir, "bin/npm"), `if [ "$1" = test ]; then ${npmTest}\nelse echo "$2 is clean"; fi`);
  // Present, so that nothing is installed on the machine that runs this test.
  for (const tool of ["strace", "mkfs.ext4", "nginx", "skopeo", "podman", "buildah"])
    script(join(dir, "bin", tool), "exit 1");
  script(join(dir, "bin/python3"), "exit 0");
  for (const [name, lines] of Object.entries(slow)) script(join(dir, "tests/slow", `${name}.sh`), lines);
  const result = Bun.spawnSync([join(dir, ".ci/run")], {
    env: { ...process.env, PATH: `${join(dir, "bin")}:${process.env.PATH}` },
    stderr: "pipe",
  });
  const printed = result.stdout.toString();
  return { exitCode: result.exitCode, last: printed.split("\n").at(-2) ?? "", printed };
}

describe(".ci/run", () => {
  test("sums what Bun, node:test and Deno report, lint and types as one each, and ends well", () => {
    const runners =
      "printf ' 60 pass\\n 2 skip\\n 0 fail\\nRan 62 tests\\n# pass 5\\n# fail 0\\nok | 7 passed | 0 failed (1s)\\n'";
    const result = run(runners, { soak: "echo '3 passed, 0 failed'" });
    expect(result).toMatchObject({ exitCode: 0, last: "77 passed, 0 failed" });
  });

  test("believes a suite's own last line over the runners inside it", () => {
    expect(run("printf ' 60 pass\\n 1 fail\\n4 passed, 0 failed\\n'")).toMatchObject({
      exitCode: 0,
      last: "6 passed, 0 failed",
    });
  });

  test("ends badly when a test fails, in colour too, and still runs what follows", () => {
    const result = run("printf '\\033[32m 60 pass\\033[0m\\n\\033[31m 2 fail\\033[0m\\n'; exit 1", {
      later: "echo ' 1 pass'",
    });
    expect(result).toMatchObject({ exitCode: 1, last: "63 passed, 2 failed" });
  });

  test("counts a crash without a summary as a failure", () => {
    expect(run("printf ' 60 pass\\n'; kill -9 $$")).toMatchObject({ exitCode: 1, last: "62 passed, 1 failed" });
  });

  test("counts a suite that ran no test as a failure", () => {
    expect(run("true")).toMatchObject({ exitCode: 1, last: "2 passed, 1 failed" });
    expect(run("echo ' 1 pass'", { empty: "echo nothing to do" })).toMatchObject({
      exitCode: 1,
      last: "3 passed, 1 failed",
    });
  });

  test("counts nothing for a suite that says it cannot run here", () => {
    const result = run("echo ' 1 pass'", { absent: "echo 'skipped: no tool'; exit 77", later: "echo ' 2 pass'" });
    expect(result).toMatchObject({ exitCode: 0, last: "5 passed, 0 failed" });
    expect(result.printed.match(/--- .*absent.*: skipped, exit 77/g)).toHaveLength(2);
  });

  test("counts a suite that says so after a failure, and one that is none of the slow ones", () => {
    const slow = { half: "echo '(FAIL) one of two'; echo '1 passed, 1 failed'; exit 77" };
    const half = run("echo ' 1 pass'", slow);
    expect(half).toMatchObject({ exitCode: 1, last: "4 passed, 1 failed" });
    expect(run("echo ' 5 pass'; exit 77")).toMatchObject({ exitCode: 1, last: "7 passed, 1 failed" });
  });

  test("ends with the name of each failed test, and before that with why, without headings of files that passed", () => {
    const lines = [
      ...["tests/a.test.ts:", "(pass) one [1.00ms]", "", "tests/b.test.ts:", "(pass) two [1.00ms]"],
      ...["", "tests/a.test.ts:", "12 |   expect(x).toBe(1);", "error: it is 2", "(fail) a > three [2.50ms]", ""],
      ...["tests/b.test.ts:", "(pass) four [1.00ms]", "", "2 tests skipped:", "(skip) five", "", "1 tests failed:"],
      ...[
        "(fail) a > three [2.50ms]",
        "  ^ this test timed out after 1ms.",
        "(fail) a > three [2.50ms]",
        "",
        " 3 pass",
        " 2 skip",
        " 1 fail",
        "Ran 6 tests across 2 files. [1.00s]",
      ],
    ];
    const result = run(`cat <<'EOF'\n${lines.join("\n")}\nEOF\nexit 1`, { dies: "echo 'no such thing'; exit 3" });
    const [, recap, names] = /=== what failed in npm test\n(.*?)\n=== .*=== failed\n(.*)$/s.exec(result.printed) ?? [];
    expect(recap?.trim()).toBe(
      "tests/a.test.ts:\n12 |   expect(x).toBe(1);\nerror: it is 2\n(fail) a > three [2.50ms]",
    );
    expect(names?.split("\n")).toEqual([
      "npm test: tests/a.test.ts: (fail) a > three",
      "tests/slow/dies.sh: ended with 3 and named no test",
      "",
      "5 passed, 2 failed",
      "",
    ]);
  });

  test("says how long each suite took", () => {
    expect(run("echo ' 1 pass'").printed).toMatch(/--- npm test: 1 passed, 0 failed, exit 0, \d+ s/);
  });
});

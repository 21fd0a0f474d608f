import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  createOutput,
  EXIT,
  exitCodeFor,
  formatBytes,
  formatCount,
  formatDuration,
  printable,
  type Sink,
  table,
} from "../../cli/output.ts";
import { type ErrorCode, RegistryError } from "../../core/base/errors.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const RUNTIMES: Record<string, string[]> = {
  bun: [process.execPath],
  deno: ["node_modules/.bin/deno", "run", "-A", "--no-lock"],
  node: ["node_modules/node/bin/node"],
};
const FIXTURE = fileURLToPath(new URL("./output_fixture.ts", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "artifact-store-output-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Takes everything, later, as a pipe does. */
function collect(): Sink & { text: string } {
  return {
    text: "",
    write(data, done) {
      setTimeout(() => {
        this.text += typeof data === "string" ? data : new TextDecoder().decode(data);
        done();
      });
    },
  };
}

function outputs(json: boolean) {
  const [stdout, stderr] = [collect(), collect()];
  return { output: createOutput({ json, stdout, stderr }), stdout, stderr };
}

describe("output", () => {
  test("prints results as text on stdout and everything else on stderr", async () => {
    const { output, stdout, stderr } = outputs(false);
    output.print({ a: 1 }, () => ["one", "two"]);
    output.print({ a: 2 }, () => []);
    output.note("careful");
    output.status({ progress: 1 });
    await output.bytes(new TextEncoder().encode("raw"));
    await output.flush();
    expect(stdout.text).toBe("one\ntwo\nraw");
    expect(stderr.text).toBe("careful\n");
  });

  test("prints one JSON document a line with --json, on both streams", async () => {
    const { output, stdout, stderr } = outputs(true);
    output.print({ a: "x\ny" }, () => ["never"]);
    output.note("careful", { path: "p" });
    output.status({ progress: 1 });
    output.error(new RegistryError("path_exists", "there is a\nb", { path: "a", big: 12n }));
    await output.flush();
    expect(stdout.text).toBe('{"a":"x\\ny"}\n');
    expect(
      stderr.text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { note: { message: "careful", path: "p" } },
      { progress: 1 },
      { error: { code: "path_exists", message: "there is a\nb", data: { path: "a", big: "12" } } },
    ]);
  });

  test("explains an error in one line with a hint, and gives its exit code", async () => {
    const { output, stderr } = outputs(false);
    expect(output.error(new RegistryError("schema_missing", "the database is empty"))).toBe(EXIT.refused);
    expect(output.error(new TypeError("x is not a function"))).toBe(EXIT.internal);
    expect(output.error(new RegistryError("config_invalid", "one\ntwo"))).toBe(EXIT.usage);
    await output.flush();
    expect(stderr.text.split("\n").slice(0, 5)).toEqual([
      "artifactstore: the database is empty",
      "hint: run `artifactstore migrate`",
      "artifactstore: internal error: x is not a function",
      "artifactstore: one",
      "  two",
    ]);
  });

  test("shows the stack of an error only when asked", async () => {
    const { output, stderr } = outputs(false);
    output.error(new Error("boom"));
    await output.flush();
    expect(stderr.text).toBe("artifactstore: internal error: boom\n");
    output.error(new Error("boom"), { trace: true });
    await output.flush();
    expect(stderr.text).toContain("output.test.ts");
  });

  describe.each(Object.entries(RUNTIMES))("on %s", (_name, command) => {
    const shell = (script: string) =>
      Bun.spawnSync(["sh", "-c", script], {
        cwd: ROOT,
        env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", RUN: command.join(" "), FIXTURE, DIR: dir },
      });

    test("loses nothing when the reader is slow and the process ends at once", () => {
      const { stdout, exitCode } = shell('$RUN "$FIXTURE" 50000 | (sleep 0.3; wc -l)');
      expect(exitCode).toBe(0);
      expect(stdout.toString().trim()).toBe("50000");
    });

    test("ends quietly when the reader goes away", () => {
      const { stdout, stderr } = shell(
        '{ $RUN "$FIXTURE" 50000; echo $? > "$DIR/code"; } | head -n 1; cat "$DIR/code"',
      );
      expect(stderr.toString()).toBe("");
      expect(stdout.toString()).toBe("line 0\n0\n");
    });
  });
});

describe("exit codes", () => {
  test("are distinct and as documented", () => {
    expect(EXIT).toEqual({
      success: 0,
      internal: 1,
      usage: 2,
      partial: 3,
      refused: 4,
      damage: 5,
      unavailable: 6,
      interrupted: 130,
    });
  });

  test.each([
    ["config_invalid", 2],
    ["package_not_found", 4],
    ["package_not_open", 4],
    ["object_corrupt", 5],
    ["chain_broken", 5],
    ["views_differ", 5],
    ["storage_full", 6],
    ["database_busy", 6],
    ["internal", 1],
  ] as [ErrorCode, number][])("%s ends with %i", (code, exit) => {
    expect(exitCodeFor(new RegistryError(code, ""))).toBe(exit as 0);
  });
});

describe("formats", () => {
  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [10 * 1024, "10 KiB"],
    [10 * 1024 - 1, "10 KiB"],
    [1024 * 1024 - 1, "1.0 MiB"],
    [5 * 2 ** 40, "5.0 TiB"],
    [Number.MAX_SAFE_INTEGER, "8.0 PiB"],
  ])("%i bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test("counts have separators, durations colons", () => {
    expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(["0", "999", "1,000", "1,234,567"]);
    expect([0, 59.6, 125, 3725].map(formatDuration)).toEqual(["0:00", "1:00", "2:05", "1:02:05"]);
  });

  test("names cannot steer the terminal or hide their ending", () => {
    expect(printable("a\x1b[2Jb\r\n\x9b\u202etxt.exe\u2066")).toBe("a\\x1b[2Jb\\x0d\\x0a\\x9b\\u202etxt.exe\\u2066");
    expect(printable("ünïcödé 日本 😀 -x ' \"")).toBe("ünïcödé 日本 😀 -x ' \"");
    expect(printable("\ud800")).toBe("\\ud800");
  });

  test("tables align and stay within one line a row", () => {
    const lines = table(
      [
        { title: "NAME", value: (row: [string, number]) => row[0] },
        { title: "SIZE", align: "right", value: (row: [string, number]) => String(row[1]) },
      ],
      [
        ["a\nb", 5],
        ["😀", 12345],
      ],
    );
    expect(lines).toEqual(["NAME     SIZE", "a\\x0ab      5", "😀       12345"]);
  });
});

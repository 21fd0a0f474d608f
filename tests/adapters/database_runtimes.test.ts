import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { testPostgres } from "../support/postgres.ts";

const root = resolve(import.meta.dirname, "../..");
const runtimes = {
  Bun: [join(root, "node_modules/.bin/bun")],
  Deno: [join(root, "node_modules/.bin/deno"), "run", "-A", "--no-lock"],
  Node: [join(root, "node_modules/node/bin/node")],
} as const;

test.each(Object.entries(runtimes))(
  "kit, migrations and killed backends hold on %s",
  async (_name, command) => {
    const dir = mkdtempSync(join(tmpdir(), "artifactstore-runtimes-"));
    try {
      const child = Bun.spawn([...command, join(import.meta.dirname, "database_smoke.ts"), dir, await testPostgres()], {
        cwd: root,
        stdout: "pipe",
        stderr: "pipe",
      });
      const [out, problems, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      expect({ code, problems: code === 0 ? "" : problems + out }).toEqual({ code: 0, problems: "" });
      expect(out).toContain("killed backends: survived");
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  300_000,
);

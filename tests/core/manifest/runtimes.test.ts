import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import cbor from "../../vectors/cbor.json" with { type: "json" };

const root = join(import.meta.dir, "../../..");
const smoke = join(import.meta.dir, "codec_smoke.ts");

describe("the golden vectors of CBOR and manifests", () => {
  const RUNTIMES: readonly [string, readonly string[]][] = [
    ["Node", [join(root, "node_modules/node/bin/node")]],
    ["Deno", [join(root, "node_modules/.bin/deno"), "run", "-A", "--no-lock"]],
  ];
  for (const [name, command] of RUNTIMES) {
    test(`hold on ${name}`, async () => {
      const child = Bun.spawn([...command, smoke], { cwd: root, stdout: "pipe", stderr: "pipe" });
      const [out, problems] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
      expect([await child.exited, out.trim(), problems]).toEqual([0, String(cbor.cases.length + 3), ""]);
    }, 30_000);
  }
});

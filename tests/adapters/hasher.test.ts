import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { loadHasher } from "../../adapters/hasher.ts";
import { createNativeHasher } from "../../adapters/hasher-native/mod.ts";
import { createPortableHasher } from "../../adapters/hasher-portable/mod.ts";
import { createWasmHasher } from "../../adapters/hasher-wasm/mod.ts";
import { toHex } from "../../core/base/bytes.ts";
import { ALGORITHMS, type Algorithm } from "../../core/identity/algorithms.ts";
import type { Hasher } from "../../core/identity/hasher.ts";
import { differences, VECTORS } from "./hasher_smoke.ts";

const root = join(import.meta.dir, "../..");
const smoke = join(import.meta.dir, "hasher_smoke.ts");
const oracle = createPortableHasher();
const algorithms = Object.keys(ALGORITHMS) as Algorithm[];

function loaded(hasher: Hasher | undefined, name: string): Hasher {
  if (hasher === undefined) throw new Error(`The ${name} kernel does not load here; run npm install`);
  return hasher;
}
const kernels = [loaded(await createNativeHasher(), "native"), loaded(await createWasmHasher(), "wasm"), oracle];

for (const hasher of kernels) {
  describe(`the ${hasher.kernel} kernel`, () => {
    test("finds every published digest, at once and in pieces", () => {
      expect(differences(hasher)).toEqual([]);
    });

    test("finds what the portable kernel finds, however the input is cut", () => {
      fc.assert(
        fc.property(
          fc.constantFrom(...algorithms),
          fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 }),
          (algorithm, chunks) => {
            const state = hasher.create(algorithm);
            const whole = oracle.create(algorithm);
            for (const chunk of chunks) {
              state.update(chunk);
              whole.update(chunk);
            }
            expect(toHex(state.digest())).toBe(toHex(whole.digest()));
          },
        ),
      );
    });

    test("keeps any number of open states apart, whatever order they are fed in", () => {
      const step = fc.record({
        state: fc.nat(7),
        // 16 KiB is the buffer of the wasm kernel, 1 KiB a BLAKE3 chunk, 64 B a block.
        length: fc.oneof(fc.nat(200), fc.constantFrom(63, 64, 65, 1024, 1025, 16_384, 16_385, 40_000)),
        fill: fc.nat(255),
        oneShot: fc.boolean(),
      });
      fc.assert(
        fc.property(fc.constantFrom(...algorithms), fc.array(step, { maxLength: 40 }), (algorithm, steps) => {
          const states = Array.from({ length: 8 }, () => ({
            here: hasher.create(algorithm),
            there: oracle.create(algorithm),
          }));
          for (const { state, length, fill, oneShot } of steps) {
            const chunk = new Uint8Array(length).fill(fill);
            states[state]?.here.update(chunk);
            states[state]?.there.update(chunk);
            if (oneShot) hasher.hash(algorithm, chunk);
          }
          for (const { here, there } of states) expect(toHex(here.digest())).toBe(toHex(there.digest()));
        }),
        { numRuns: 60 },
      );
    });

    test("is not disturbed by states that were dropped half-way", () => {
      const [first] = VECTORS;
      for (let i = 0; i < 200; i++) hasher.create("blake3").update(Uint8Array.of(i));
      expect(toHex(hasher.create("blake3").digest())).toBe(first?.hex as string);
    });

    test("does not keep the array it was given, and reads views at their offset", () => {
      for (const algorithm of algorithms) {
        const backing = new Uint8Array(300).fill(7);
        const view = backing.subarray(13, 200);
        const wanted = toHex(oracle.hash(algorithm, view.slice()));
        expect(toHex(hasher.hash(algorithm, view))).toBe(wanted);
        const state = hasher.create(algorithm);
        state.update(view);
        backing.fill(0);
        expect(toHex(state.digest())).toBe(wanted);
      }
    });

    test("hands out plain arrays of their own", () => {
      for (const algorithm of algorithms) {
        const first = hasher.hash(algorithm, Uint8Array.of(1));
        const copy = first.slice();
        hasher.hash(algorithm, Uint8Array.of(2));
        expect(first).toEqual(copy);
        expect(first.constructor).toBe(Uint8Array);
        expect(first.buffer.byteLength).toBe(ALGORITHMS[algorithm].length);
      }
    });

    test("refuses to go on with a state that has ended", () => {
      for (const algorithm of algorithms) {
        const state = hasher.create(algorithm);
        state.digest();
        expect(() => state.update(Uint8Array.of(1))).toThrow();
        expect(() => state.digest()).toThrow();
      }
    });
  });
}

async function run(command: readonly string[], env?: Record<string, string>) {
  const child = Bun.spawn([...command], { cwd: root, stdout: "pipe", stderr: "pipe", ...(env && { env }) });
  const [out, problems, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")} exited with ${code}: ${problems}`);
  return JSON.parse(out) as { kernels: string[]; vectors: number };
}

describe("loadHasher()", () => {
  const all = { kernels: ["native", "wasm", "portable"], vectors: VECTORS.length };
  const node = join(root, "node_modules/node/bin/node");
  const deno = join(root, "node_modules/.bin/deno");

  test("picks the native kernel when nothing is preferred", async () => {
    expect((await loadHasher()).kernel).toBe("native");
  });

  test("gives every kernel on Node", async () => {
    expect(await run([node, smoke])).toEqual(all);
  });

  test("gives every kernel on Deno", async () => {
    expect(await run([deno, "run", "-A", "--no-lock", smoke])).toEqual(all);
  }, 30_000);

  test("falls back to wasm where native code may not be loaded (Deno without --allow-ffi)", async () => {
    const found = await run([deno, "run", "--no-prompt", "--allow-read", "--allow-env", "--no-lock", smoke]);
    expect(found.kernels).toEqual(["wasm", "wasm", "portable"]);
  }, 30_000);

  test("falls back to wasm where the native binary is missing, and to plain JavaScript without WebAssembly", async () => {
    // The package's own way to name a binary, pointed at nothing.
    const env = { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: join(root, "no-such-file.node") } as Record<
      string,
      string
    >;
    expect((await run([process.execPath, smoke], env)).kernels).toEqual(["wasm", "wasm", "portable"]);
    const script = `delete globalThis.WebAssembly;
      const { loadHasher } = await import("./adapters/hasher.ts");
      console.log(JSON.stringify({ kernels: [(await loadHasher()).kernel], vectors: 0 }));`;
    expect((await run([process.execPath, "-e", script], env)).kernels).toEqual(["portable"]);
  }, 30_000);

  test("gives every kernel inside a compiled file, without PATH", async () => {
    const dir = await mkdtemp(join(tmpdir(), "artifact-store-hasher-"));
    try {
      const file = join(dir, "smoke");
      const build = Bun.spawnSync([process.execPath, "build", "--compile", smoke, "--outfile", file], { cwd: root });
      expect(build.exitCode).toBe(0);
      expect(await run([file], { PATH: "" })).toEqual(all);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }, 60_000);
});

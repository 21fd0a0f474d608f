/**
 * Frames that are damaged, cut or followed by something: refused by every runtime, and none ends the process. (A stream
 * of Deno's alone ends it at some of them, and takes what is cut for whole; Bun's does the latter, too.)
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { concatBytes } from "../../core/base/bytes.ts";
import { pattern, text } from "../support/registry_fixture.ts";
import { rounds } from "../support/rounds.ts";
import { RUNTIMES } from "../support/serving.ts";
import type { Report } from "./zstd_smoke.ts";

setDefaultTimeout(120_000);
const root = join(import.meta.dir, "../..");
const smoke = join(import.meta.dir, "zstd_smoke.ts");
const directory = mkdtempSync(join(tmpdir(), "artifact-store-zstd-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const { ZSTD_c_checksumFlag, ZSTD_c_contentSizeFlag, ZSTD_c_compressionLevel } = constants;
const checksum = { [ZSTD_c_checksumFlag]: 1 };
const pack = (content: Uint8Array, params: Record<number, number>) =>
  new Uint8Array(zstdCompressSync(content, { params }));
const words = (lines: number) => text(Array.from({ length: lines }, (_, i) => `${(i * 7919) % 1000} lines\n`).join(""));

/** Of one or two blocks: raw, of one byte over and over, compressed; with and without a checksum, and its length. */
const SMALL: readonly Uint8Array[] = [
  pack(words(40), checksum),
  pack(words(40), {}),
  pack(words(40), { [ZSTD_c_contentSizeFlag]: 0 }),
  pack(words(40), { ...checksum, [ZSTD_c_compressionLevel]: 19 }),
  pack(new Uint8Array(0), checksum),
  pack(new Uint8Array(200_000).fill(65), checksum),
  pack(pattern(40), {}),
];
/** Of seven blocks. */
const LARGE = concatBytes([words(30_000), new Uint8Array(300_000), pattern(300_000)]);

const cuts = SMALL.flatMap((frame) => Array.from(frame.keys(), (length) => frame.subarray(0, length)));
const followed = SMALL.flatMap((frame) =>
  [frame, text("x"), new Uint8Array(9)].map((rest) => concatBytes([frame, rest])),
);
/** Every bit, one after the other; a third of them, or all. */
const share = 3 / rounds(1, 3);
const first = randomInt(share);
console.log(`bits flipped: every ${share}., from ${first}`);
const flips = SMALL.flatMap((frame) =>
  Array.from({ length: frame.length * 8 }, (_, bit) => bit)
    .filter((bit) => bit % share === first)
    .map((bit) => frame.with(bit >> 3, (frame[bit >> 3] as number) ^ (1 << (bit & 7)))),
);
const large = [checksum, {}].flatMap((params) => {
  const frame = pack(LARGE, params);
  const places = Array.from(pattern(60, 3), (byte, i) => Math.floor(((i + byte / 256) / 60) * frame.length));
  return [frame, ...places.map((at) => frame.with(at, (frame[at] as number) ^ (1 << (at & 7))))];
});
const all = [...SMALL, ...cuts, ...followed, ...flips, ...large];

async function run(command: readonly string[]): Promise<Report> {
  const child = Bun.spawn([...command], { cwd: root, stdout: "pipe", stderr: "pipe" });
  const [out, problems] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect({ exit: await child.exited, problems }).toEqual({ exit: 0, problems: "" });
  return JSON.parse(out) as Report;
}

const corpus = join(directory, "frames");
let reference: readonly string[];
beforeAll(async () => {
  const length = (frame: Uint8Array) => new Uint8Array(Uint32Array.of(frame.length).buffer);
  writeFileSync(corpus, concatBytes(all.flatMap((frame) => [length(frame), frame])));
  reference = (await run([...(RUNTIMES.node as readonly string[]), smoke, corpus, "reference"])).verdicts;
});

test("the reference takes what is whole, and refuses most of the rest", () => {
  expect(reference).toHaveLength(all.length);
  expect(reference.slice(0, SMALL.length)).not.toContain("refused");
  const refused = reference.filter((verdict) => verdict === "refused").length;
  expect(refused).toBeGreaterThan(all.length / 2);
  expect(refused).toBeLessThan(all.length - SMALL.length);
});

describe.each(Object.keys(RUNTIMES) as (keyof typeof RUNTIMES)[])("on %s", (runtime) => {
  let report: Report;
  beforeAll(async () => {
    report = await run([...RUNTIMES[runtime], smoke, corpus]);
  });

  test("each frame, whole or not, has the verdict and the bytes of the reference", () => {
    const other = all.flatMap((frame, i) =>
      report.verdicts[i] === reference[i] ? [] : [[i, frame.subarray(0, 40), report.verdicts[i], reference[i]]],
    );
    expect(other).toEqual([]);
    expect(report.verdicts).toHaveLength(all.length);
  });

  test("what is cut, and what goes on, is refused", () => {
    const from = SMALL.length;
    expect(new Set(report.verdicts.slice(from, from + cuts.length + followed.length))).toEqual(new Set(["refused"]));
  });

  test("the source's own error is told, and a reader who leaves closes a source that was hardly read", () => {
    expect(report.failure).toBe("the source's own words");
    expect(report.bomb?.closed).toBe(true);
    expect(report.bomb?.given).toBeLessThan(10);
  });
});

/**
 * Random damage to random objects of a store: `verify` names the object with its paths, nothing that reads a file whole
 * ends as if it were good, on any runtime, and what was not damaged still reads. (Each kind of damage once, with all it
 * should say: tests/cli/damage.test.ts.) ARTIFACTSTORE_TEST_ROUNDS sets how many (default 30).
 */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import {
  cli,
  difference,
  filesBelow,
  ingest,
  jsonLines,
  ok,
  PATIENCE,
  RUNTIME_NAMES,
  storedObjects,
  temporary,
} from "../cli/support.ts";
import { put } from "../cli/trees.ts";
import { bytesOf, sha256 } from "../soak/load.ts";
import { seeded } from "./bad_days.ts";

setDefaultTimeout(PATIENCE);
const { random } = seeded("bit rot");
const dir = temporary("rot");
const rounds = Number(process.env.ARTIFACTSTORE_TEST_ROUNDS ?? 30);
const kinds = new Map<string, number>();
afterAll(() => console.log(`damage done: ${JSON.stringify(Object.fromEntries(kinds))}`));

const tree = join(dir, "tree");
for (let i = 0; i < 8; i++) put(tree, `small/${i}`, bytesOf(i, 1 + i * 700));
put(tree, "twice/one", bytesOf(99, 50_000));
put(tree, "twice/other", bytesOf(99, 50_000));
// Above 4 MiB a read hands bytes out before it has seen them all.
put(tree, "large/first", bytesOf(100, 5 * 2 ** 20 + 17));
put(tree, "large/second", bytesOf(101, 9 * 2 ** 20));
const whole = join(dir, "whole");
await ingest(tree, { data: whole }, "--version", "1");

const DAMAGES: Record<string, (path: string, bytes: Uint8Array, other: string) => void> = {
  "a bit flipped"(path, bytes) {
    const at = random.int(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random.int(8));
    writeFileSync(path, bytes);
  },
  "cut short": (path, bytes) => writeFileSync(path, bytes.subarray(0, random.int(bytes.length))),
  emptied: (path) => writeFileSync(path, ""),
  "a sector of zeros"(path, bytes) {
    const at = random.int(bytes.length);
    // At least one byte really changes, whatever was there.
    bytes.fill(0, at, at + 512);
    bytes[at] = ((readFileSync(path)[at] as number) + 1) & 255;
    writeFileSync(path, bytes);
  },
  "bytes appended": (path) => writeFileSync(path, bytesOf(random.int(1000), 1 + random.int(5000)), { flag: "a" }),
  deleted: (path) => rmSync(path),
  "another object's bytes": (path, _bytes, other) => writeFileSync(path, readFileSync(other)),
  "a directory in its place"(path) {
    rmSync(path);
    mkdirSync(path);
  },
  "a link in its place"(path) {
    // To the right bytes, even: nothing outside of the store is ever read as if it were in it.
    renameSync(path, join(dir, "elsewhere"));
    symlinkSync(join(dir, "elsewhere"), path);
  },
};

for (let round = 0; round < rounds; round++) {
  // Each kind once, then any.
  const kind = Object.keys(DAMAGES)[round] ?? random.pick(Object.keys(DAMAGES));
  const runtime = random.pick(RUNTIME_NAMES);
  test(`${kind} (${runtime})`, async () => {
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const data = join(dir, `data-${round}`);
    cpSync(whole, data, { recursive: true });
    const where = { data, runtime };
    const objects = storedObjects(data).sort();
    const victim = random.pick(objects);
    const other = random.pick(objects.filter((path) => path !== victim));
    const bytes = new Uint8Array(readFileSync(victim));
    const digest = sha256(bytes);
    const paths = filesBelow(tree).filter((path) => sha256(readFileSync(path)) === digest);
    chmodSync(victim, 0o644);
    (DAMAGES[kind] as (typeof DAMAGES)[string])(victim, bytes, other);

    const target = join(data, "fetched");
    const fetched = await cli(["fetch", "demo@1", target], where);
    // Where no file lies at all the storage has failed; that is not for the content to say.
    const code = kind.endsWith("in its place") ? 6 : 5;
    expect({ code: fetched.code, left: existsSync(target) }).toEqual({ code, left: false });

    const verified = await cli(["verify", "demo@1", "--json"], where);
    expect(verified.code).toBe(5);
    const [report] = jsonLines(verified.stdout);
    expect(report).toMatchObject({
      ok: false,
      damaged: [
        {
          content_address: `blake3:${basename(victim)}`,
          paths: paths.map((path) => path.slice(tree.length + 1)).sort(),
        },
      ],
    });

    // Brought back by an operator: the next verify notices, and everything reads again.
    rmSync(victim, { recursive: true, force: true });
    cpSync(join(whole, victim.slice(data.length)), victim);
    await ok(["verify", "demo@1"], where);
    await ok(["fetch", "demo@1", target], where);
    expect(difference(tree, target)).toBe("");
    rmSync(data, { recursive: true });
    rmSync(join(dir, "elsewhere"), { force: true });
  });
}

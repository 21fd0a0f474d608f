/** The strict disk's own rules, on traces written by hand. */
import { expect, test } from "bun:test";
import { durable } from "./strict.ts";

const R = "/store";
const STORED = [
  `7 openat(AT_FDCWD, "${R}/staging/x", O_WRONLY|O_CREAT|O_EXCL, 0600) = 5<${R}/staging/x>`,
  `7 write(5<${R}/staging/x>, ""..., 3) = 3`,
  `7 fsync(5<${R}/staging/x>) = 0`,
  `7 mkdir("${R}/b", 0700) = 0`,
  `7 mkdir("${R}/b/ab", 0700) = 0`,
  `7 rename("${R}/staging/x", "${R}/b/ab/x") = 0`,
  `7 fsync(6<${R}/b/ab>) = 0`,
  `7 fsync(6<${R}/b>) = 0`,
  `7 fsync(6<${R}>) = 0`,
];
const without = (...lines: number[]) => STORED.filter((_, i) => !lines.includes(i)).join("\n");
const lost = (trace: string) => {
  const { names, files } = durable(R, trace);
  return [...names.keys(), ...[...files].filter(([, { synced }]) => !synced).map(([path]) => `bytes of ${path}`)];
};

test("nothing is lost when file, leaf and every parent were synced after the rename", () => {
  expect(lost(STORED.join("\n"))).toEqual([]);
});

test("each sync that is left out loses just what it was for", () => {
  expect(lost(without(2))).toEqual([`bytes of ${R}/b/ab/x`]);
  expect(lost(without(6))).toEqual([`${R}/b/ab/x`]);
  expect(lost(without(7))).toEqual([`${R}/b/ab`]);
  expect(lost(without(8))).toEqual([`${R}/b`]);
});

test("a link is a second name of the same bytes, whose sync may go by the first after that is gone", () => {
  const [open = "", write = "", , ...rest] = STORED;
  const linked = [open, write, ...rest.map((line) => line.replace("rename(", "link("))];
  const sync = `7 fsync(5<${R}/staging/x>(deleted)) = 0`;
  expect(lost([...linked, sync].join("\n"))).toEqual([`${R}/staging/x`]);
  expect(lost(linked.join("\n"))).toContain(`bytes of ${R}/b/ab/x`);
  expect(lost([...linked, sync].filter((line) => !line.includes("fsync(6<")).join("\n"))).toContain(`${R}/b/ab/x`);
});

test("a sync covers what came before it began, and only if it succeeds", () => {
  const [open = "", write = "", , , , rename = ""] = STORED;
  const begun = `8 fsync(6<${R}/b/ab> <unfinished ...>`;
  const ended = "8 <... fsync resumed>) = 0";
  expect(lost([begun, rename, ended].join("\n"))).toEqual([`${R}/b/ab/x`]);
  expect(lost([rename, begun, ended].join("\n"))).toEqual([]);
  expect(lost([rename, begun, "8 <... fsync resumed>) = -1 EIO (Input/output error)"].join("\n"))).toEqual([
    `${R}/b/ab/x`,
  ]);
  // Written to while it was being synced: nobody knows how much of it is there.
  const during = [open, `8 fsync(5<${R}/staging/x> <unfinished ...>`, write, ended].join("\n");
  expect(lost(during)).toContain(`bytes of ${R}/staging/x`);
});

test("what is appended after a sync takes nothing away from the bytes before it; what is written over them does", () => {
  const path = `${R}/staging/x`;
  const kept = (...more: string[]) => durable(R, [...STORED.slice(0, 3), ...more].join("\n")).files.get(path)?.durable;
  expect(kept()).toBe(3);
  expect(kept(`7 pwrite64(5<${path}>, ""..., 4, 3) = 4`)).toBe(3);
  expect(kept(`7 pwrite64(5<${path}>, ""..., 4, 3) = 4`, `7 fsync(5<${path}>) = 0`)).toBe(7);
  expect(kept(`7 pwrite64(5<${path}>, ""..., 4, 1 <unfinished ...>`)).toBe(1);
  expect(kept(`7 ftruncate(5<${path}>, 2) = 0`)).toBe(2);
  expect(kept(`7 pwritev(5<${path}>, [{iov_base=""..., iov_len=4}], 1, 3) = 4`)).toBe(0);
});

test("a directory that was there already, and what lies elsewhere, cannot be lost", () => {
  expect(lost(`7 mkdir("${R}/b", 0700) = -1 EEXIST (File exists)\n7 mkdir("/other/b", 0700) = 0`)).toEqual([]);
});

/** What stands where something is to be written stays, whenever it came. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeAll, writeNew, writeNewFile } from "../../../cli/files/write_new.ts";
import { temporary } from "../support.ts";

const dir = temporary("write-new");
const ours = new TextEncoder().encode("ours");
const notEmpty = expect.objectContaining({ code: "not_empty" });

describe("writeNewFile()", () => {
  const write = (target: string, meanwhile = () => {}) =>
    writeNewFile(target, async (handle) => {
      await writeAll(handle, ours);
      meanwhile();
    });

  test("writes a file with the modes of any other, and nothing beside it", async () => {
    const place = join(dir, "file/deep");
    await write(join(place, "new.tar"));
    writeFileSync(join(dir, "usual"), "");
    expect(readdirSync(place)).toEqual(["new.tar"]);
    expect(readFileSync(join(place, "new.tar"), "utf8")).toBe("ours");
    expect(statSync(join(place, "new.tar")).mode).toBe(statSync(join(dir, "usual")).mode);
  });

  test("leaves alone what was put there while it wrote", async () => {
    const place = join(dir, "file/raced");
    const target = join(place, "new.tar");
    await expect(write(target, () => writeFileSync(target, "theirs"))).rejects.toEqual(notEmpty);
    expect([readdirSync(place), readFileSync(target, "utf8")]).toEqual([["new.tar"], "theirs"]);
  });

  test("leaves nothing when it cannot be written to its end", async () => {
    const place = join(dir, "file/failed");
    const failing = writeNewFile(join(place, "new.tar"), async (handle) => {
      await writeAll(handle, ours);
      throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
    });
    await expect(failing).rejects.toMatchObject({ code: "storage_failed" });
    expect(readdirSync(place)).toEqual([]);
  });
});

describe("writeNew()", () => {
  const fill =
    (meanwhile = () => {}) =>
    async (partial: string) => {
      for (const name of ["oci-layout", "blobs", "index.json"]) writeFileSync(join(partial, name), ours);
      meanwhile();
    };

  test("leaves alone what was put into an empty directory while it wrote", async () => {
    const target = join(dir, "raced");
    mkdirSync(target);
    const put = () => writeFileSync(join(target, "index.json"), "theirs");
    await expect(writeNew(target, fill(put))).rejects.toEqual(notEmpty);
    expect([readdirSync(target), readFileSync(join(target, "index.json"), "utf8")]).toEqual([["index.json"], "theirs"]);
  });

  test("names what makes a directory not empty, which `ls` may not show", async () => {
    const target = join(dir, "killed");
    mkdirSync(join(target, ".killed.partial-x1"), { recursive: true });
    await expect(writeNew(target, fill())).rejects.toThrow('(it has ".killed.partial-x1")');
    expect(readdirSync(target)).toEqual([".killed.partial-x1"]);
  });
});

import { afterEach, describe, expect, test } from "bun:test";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  ingest,
  newPackage,
  openFixture,
  source,
} from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

forEachDatabase((_, open) => {
  const fresh = async () => {
    const fixture = await openFixture({ database: await open() });
    const { package_id: packageId } = await newPackage(fixture.registry);
    const { registry } = fixture;
    return {
      ...fixture,
      packageId,
      file: (path: string, content = path) => codeOf(ingest(registry, packageId, path, content)),
      directory: (path: string) => codeOf(registry.addDirectory(caller, { packageId, path })),
      symlink: (path: string, target: string) => codeOf(registry.addSymlink(caller, { packageId, path, target })),
      replace: (path: string) => codeOf(registry.replaceFile(caller, { packageId, path, source: source("new") })),
      remove: (path: string) => codeOf(registry.removeFile(caller, { packageId, path })),
      paths: async () => (await registry.listFiles(caller, packageId)).items.map((entry) => [entry.path, entry.kind]),
      finalize: () => codeOf(registry.finalizePackage(caller, packageId)),
    };
  };

  describe("an entry", () => {
    test("of a path that is there is refused, whatever its kind, unless replacement is asked for", async () => {
      const { file, directory, symlink, replace, registry, packageId } = await fresh();
      expect(await file("a")).toBeUndefined();
      for (const again of [file("a", "other"), directory("a"), symlink("a", "b")])
        expect(await again).toBe("path_exists");
      expect(await directory("d")).toBeUndefined();
      for (const again of [file("d"), directory("d"), symlink("d", "b")]) expect(await again).toBe("path_exists");
      expect(await replace("a")).toBeUndefined();
      const [entry] = (await registry.listFiles(caller, packageId)).items;
      expect(entry).toMatchObject({ path: "a", kind: "file", size: 3 });
    });

    test("that is equal to another after NFC is refused, naming it, also when replacing or removing", async () => {
      const { registry, packageId, file, replace, remove, directory, paths } = await fresh();
      expect(await file("caf\u00e9/x")).toBeUndefined();
      expect(await file("cafe\u0301/x")).toBe("path_conflict");
      const error = await failureOf(ingest(registry, packageId, "cafe\u0301/x", ""));
      expect(error?.data).toMatchObject({ existing: "caf\u00e9/x" });
      expect(await replace("cafe\u0301/x")).toBe("path_conflict");
      expect(await remove("cafe\u0301/x")).toBe("file_not_found");
      expect(await codeOf(registry.getFile(caller, { package: packageId, path: "cafe\u0301/x" }))).toBe(
        "file_not_found",
      );
      expect(await directory("\u212b")).toBeUndefined();
      expect(await directory("\u00c5")).toBe("path_conflict");
      expect(await paths()).toEqual([
        ["caf\u00e9/x", "file"],
        ["\u212b", "directory"],
      ]);
    });

    test("keeps its path's exact bytes", async () => {
      const { file, paths, finalize, packageId, registry } = await fresh();
      const names = ["e\u0301", " leading", "-rf", "a\\b", "\ufeffbom", "new\nline", "😀", "％", "x".repeat(255)];
      for (const name of names) expect(await file(name)).toBeUndefined();
      expect((await paths()).map(([path]) => path).toSorted()).toEqual(names.toSorted());
      expect(await finalize()).toBeUndefined();
      for (const path of names) {
        const { entry } = await registry.getFile(caller, { package: packageId, path });
        expect(entry.path).toBe(path);
      }
    });

    test("below something that is not a directory is refused", async () => {
      const { file, directory, symlink, paths } = await fresh();
      expect(await file("a")).toBeUndefined();
      expect(await symlink("l", "a")).toBeUndefined();
      expect(await directory("d")).toBeUndefined();
      for (const path of ["a/b", "a/b/c", "l/b"]) expect(await file(path)).toBe("path_conflict");
      expect(await directory("a/b")).toBe("path_conflict");
      expect(await symlink("l/b", "c")).toBe("path_conflict");
      expect(await file("d/b")).toBeUndefined();
      expect((await paths()).length).toBe(4);
    });

    test("above existing entries that is not a directory is found at the latest when finalising, and can be mended", async () => {
      const { file, remove, symlink, finalize, registry, packageId } = await fresh();
      expect(await file("a/b/c")).toBeUndefined();
      expect(await file("a")).toBeUndefined();
      expect(await finalize()).toBe("path_conflict");
      expect(await remove("a")).toBeUndefined();
      expect(await symlink("a/b", "x")).toBeUndefined();
      expect(await finalize()).toBe("path_conflict");
      expect((await registry.getPackage(caller, packageId)).state).toBe("open");
      expect(await remove("a/b/c")).toBeUndefined();
      expect(await finalize()).toBeUndefined();
    });

    test("that is a directory stays one when others come below it; directories that nobody added are not listed", async () => {
      const { file, directory, finalize, registry, packageId } = await fresh();
      for (const path of ["added", "empty"]) expect(await directory(path)).toBeUndefined();
      expect(await file("added/inner/x")).toBeUndefined();
      expect(await finalize()).toBeUndefined();
      const manifest = JSON.parse(new TextDecoder().decode(await registry.getManifestBytes(caller, packageId, "jcs")));
      expect(manifest.files.map((f: { path: string }) => f.path)).toEqual(["added", "added/inner/x", "empty"]);
    });
  });

  describe("removing and replacing", () => {
    test("take what is there and say so when it is not", async () => {
      const { file, directory, symlink, remove, replace, paths } = await fresh();
      expect(await remove("a")).toBe("file_not_found");
      expect(await replace("a")).toBe("file_not_found");
      await file("a");
      await directory("d");
      await symlink("l", "a");
      for (const path of ["a", "d", "l"]) expect(await remove(path)).toBeUndefined();
      expect(await paths()).toEqual([]);
      expect(await remove("a")).toBe("file_not_found");
      expect(await file("a")).toBeUndefined();
      expect(await paths()).toEqual([["a", "file"]]);
    });

    test("a replacement may be of another kind and brings all of its own properties", async () => {
      const { registry, packageId, directory } = await fresh();
      await directory("x");
      const { entry } = await registry.replaceFile(caller, {
        packageId,
        path: "x",
        source: source("#!"),
        executable: true,
        mediaType: "text/x-sh",
      });
      expect((await registry.listFiles(caller, packageId)).items).toEqual([entry]);
      expect(entry).toMatchObject({ kind: "file", executable: true, media_type: "text/x-sh", size: 2 });
      const plain = await registry.replaceFile(caller, { packageId, path: "x", source: source("#!") });
      expect(plain.entry).toMatchObject({ executable: false, media_type: null });
    });

    test("are refused, like everything else, once the package is finalised or abandoned", async () => {
      const { registry, packageId, file, directory, symlink, remove, replace, finalize } = await fresh();
      await file("a");
      expect(await finalize()).toBeUndefined();
      const before = await registry.getManifestBytes(caller, packageId, "cbor");
      const head = await registry.ledger.head();
      for (const call of [file("b"), directory("d"), symlink("l", "a"), remove("a"), replace("a")]) {
        expect(await call).toBe("package_not_open");
      }
      expect(await codeOf(registry.abandonPackage(caller, { packageId, reason: "x" }))).toBe("package_not_open");
      expect(await registry.ledger.head()).toEqual(head);
      expect(await registry.getManifestBytes(caller, packageId, "cbor")).toEqual(before);
      const given = (await newPackage(registry)).package_id;
      await registry.abandonPackage(caller, { packageId: given, reason: "gave up" });
      await registry.abandonPackage(caller, { packageId: given, reason: "again" });
      expect(await codeOf(ingest(registry, given, "a", ""))).toBe("package_not_open");
      expect(await codeOf(registry.finalizePackage(caller, given))).toBe("package_not_open");
      expect((await registry.getPackage(caller, given)).state).toBe("abandoned");
    });
  });
});

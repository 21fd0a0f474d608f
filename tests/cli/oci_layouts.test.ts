/** import-oci and export-oci say and do the same on a store and through its server. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, IMAGE, imageOf } from "../support/oci_images.ts";
import { foreignLayout, LARGE, type Seeded, seed } from "./oci_support.ts";
import { meddler, serveStore, through } from "./server_support.ts";
import {
  cli,
  difference,
  filesBelow,
  type Json,
  jsonLines,
  ok,
  PATIENCE,
  RUNTIME_NAMES,
  type Run,
  storedObjects,
  temporary,
} from "./support.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("oci-layouts");
const data = join(dir, "data");
const server = await serveStore({ data });
afterAll(() => server.stop());
const seeded: Seeded = await seed(server.url);
const kept = ["--name", "kept", "--retention-class", "working"];

const DOORS: Readonly<Record<string, (args: readonly string[]) => Promise<Run>>> = {
  here: (args) => cli(args, { data }),
  "through a server": (args) => through(server.url, args),
};

/** What it prints as JSON; fails with what it says otherwise. */
async function said(run: Promise<Run>): Promise<Json> {
  const { code, stdout, stderr } = await run;
  if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`);
  return jsonLines(stdout)[0] as Json;
}
const failed = async (run: Promise<Run>) => {
  const { code, stdout, stderr } = await run;
  const last = jsonLines(stderr).at(-1) as { error: { code: string; message: string } };
  return { code, stdout, error: last.error.code, message: last.error.message };
};

describe.each(Object.entries(DOORS))("%s", (name, door) => {
  const out = (path: string) => join(dir, name.replaceAll(" ", "-"), path);
  const run = (...args: string[]) => door([...args, "--json"]);

  describe("import-oci", () => {
    test("makes a package of a tag, in which nothing is stored twice", async () => {
      const before = storedObjects(data).length;
      const made = await said(
        run("import-oci", "team/app:1.0", ...kept, "--version", `${Object.keys(DOORS).indexOf(name)}`),
      );
      expect(made).toMatchObject({ state: "finalized", name: "kept", file_count: 9 });
      expect(made.import).toMatchObject({ digest: seeded.index, manifests: 3, blobs: 4, referrers: 0 });
      // Manifests, index.json and oci-layout, the first time.
      expect(storedObjects(data).length - before).toBe(name === "here" ? 5 : 0);
      expect(await ok(["verify", String(made.package_id)], { data })).toStartWith("ok: ");
    });

    test("tells people what was done, and refuses the same version", async () => {
      const line = ["import-oci", `team/app@${seeded.long}`, ...kept, "--version", `once-${name.length}`];
      const { code, stdout } = await door(line);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^files +5: 1 manifests, 2 blobs$/m);
      expect(stdout).toContain(`image         team/app, ${seeded.long}\n`);
      expect(await failed(run(...line))).toMatchObject({ code: 4, error: "version_exists" });
    });

    test("refuses what is not there, and what is incomplete unless that is allowed", async () => {
      const refused = (...args: string[]) => failed(run("import-oci", ...args, ...kept));
      expect(await refused("team/app:none")).toMatchObject({ code: 4, error: "manifest_not_found", stdout: "" });
      expect(await refused("nobody:1.0")).toMatchObject({ code: 4, error: "repository_not_found" });
      expect(await refused("Team/app:1.0")).toMatchObject({ code: 2, error: "invalid_name" });
      expect(await refused("team/app@sha256:1")).toMatchObject({ code: 2, error: "invalid_digest" });
      expect(await refused("nothing")).toMatchObject({ code: 2, error: "invalid_argument" });
      expect(await refused("team/app:sparse")).toMatchObject({ code: 4, error: "manifest_blob_unknown" });
      const made = await said(run("import-oci", "team/app:sparse", ...kept, "--allow-missing"));
      expect(made.import).toMatchObject({ missing_count: 1, manifests: 2 });
    });
  });

  describe("export-oci", () => {
    test("writes an image byte by byte as a package of it has it, as directory and as tar, verified", async () => {
      const options = [
        ["team/app:1.0"],
        ["team/app:1.0", "--referrers"],
        ["team/app:docker"],
        [`team/app@${seeded.long}`],
      ];
      for (const [at, [image = "", ...more]] of options.entries()) {
        const made = await said(run("import-oci", image, ...kept, ...more));
        const direct = await said(run("export-oci", image, out(`direct-${at}`), ...more));
        const unpacked = await said(run("export-oci", String(made.package_id), out(`unpacked-${at}`)));
        expect(difference(out(`direct-${at}`), out(`unpacked-${at}`))).toBe("");
        expect(unpacked).toMatchObject({
          digest: direct.digest ?? null,
          files: direct.files ?? null,
          bytes: made.total_bytes ?? null,
        });
        await said(run("export-oci", image, out(`direct-${at}.tar`), ...more));
        await said(run("export-oci", String(made.package_id), out(`unpacked-${at}.tar`)));
        expect(readFileSync(out(`direct-${at}.tar`)).equals(readFileSync(out(`unpacked-${at}.tar`)))).toBe(true);
        expect(
          Bun.spawnSync([
            "sh",
            "-c",
            `mkdir '${out(`tar-${at}`)}' && tar xf '${out(`direct-${at}.tar`)}' -C '${out(`tar-${at}`)}'`,
          ]).exitCode,
        ).toBe(0);
        expect(difference(out(`direct-${at}`), out(`tar-${at}`))).toBe("");
      }
      const index = JSON.parse(readFileSync(out("direct-1/index.json"), "utf8"));
      expect(index.manifests.map(({ digest }: { digest: string }) => digest)).toEqual([seeded.index, seeded.sbom]);
    });

    test("refuses a target that is there, what does not exist and what is incomplete, and leaves nothing", async () => {
      const taken = out("taken/file.tar");
      await ok(["export-oci", "team/app:docker", taken], { data });
      const before = readFileSync(taken);
      expect(await failed(run("export-oci", "team/app:docker", taken))).toMatchObject({ code: 4, error: "not_empty" });
      expect(await failed(run("export-oci", "team/app:docker", out("taken")))).toMatchObject({ error: "not_empty" });
      expect(await failed(run("export-oci", "team/app:none", out("none")))).toMatchObject({
        error: "manifest_not_found",
      });
      expect(await failed(run("export-oci", "kept@none", out("none")))).toMatchObject({ error: "package_not_found" });
      const sparse = await failed(run("export-oci", "team/app:sparse", out("none")));
      expect(sparse).toMatchObject({ code: 4, error: "manifest_blob_unknown" });
      expect(await said(run("export-oci", "team/app:sparse", out("sparse"), "--allow-missing"))).toMatchObject({
        missing_count: 1,
      });
      expect([existsSync(out("none")), readFileSync(taken).equals(before), readdirSync(out("taken"))]).toEqual([
        false,
        true,
        ["file.tar"],
      ]);
    });

    test("writes a package that was not imported as what it is at /v2/", async () => {
      const tree = join(dir, "plain");
      if (!existsSync(tree)) cpSync(join(import.meta.dirname, "push"), tree, { recursive: true });
      const made = await said(run("ingest", tree, "--name", "plain", "--retention-class", "working"));
      const written = await said(run("export-oci", String(made.package_id), out("artifact")));
      expect(written).toMatchObject({ repository: "packages/default/plain", blobs: Number(made.file_count) + 1 });
      const manifest = JSON.parse(
        readFileSync(join(out("artifact"), "blobs", String(written.digest).replace(":", "/")), "utf8"),
      );
      expect(manifest.layers).toHaveLength(Number(made.file_count));
    });
  });

  describe("import-oci of a layout", () => {
    test("takes a directory and a tar as they are, those of others as well, and gives them back", async () => {
      const others = out("others");
      const { digest } = foreignLayout(others);
      Bun.spawnSync(["sh", "-c", `cd '${others}' && tar cf ../others.tar . && tar czf ../others.tgz .`]);
      for (const source of [others, `${others}.tar`, `${others}.tgz`, out("direct-3")]) {
        const made = await said(run("import-oci", source, ...kept));
        expect(made).toMatchObject({ state: "finalized" });
        const to = out(`again-${source.length}-${source.slice(-3)}`);
        const back = await said(run("export-oci", String(made.package_id), to));
        expect(difference(source.replace(/\.t\w+$/, ""), to)).toBe("");
        expect(back.digest).toBe(source === out("direct-3") ? seeded.long : digest);
      }
      expect(Number(filesBelow(out("others")).length)).toBe(7);
    });

    test("refuses one of which anything is wrong, names the file, and stores nothing", async () => {
      const wrong = out("wrong");
      foreignLayout(wrong);
      const blobs = join(wrong, "blobs/sha256");
      const [first = ""] = readdirSync(blobs);
      const before = storedObjects(data).length;
      const cases: readonly (readonly [string, string, () => void])[] = [
        [first, "digest_mismatch", () => writeFileSync(join(blobs, first), "other bytes")],
        ["oci-layout", "invalid_manifest", () => rmSync(join(wrong, "oci-layout"))],
        [
          "oci-layout",
          "invalid_manifest",
          () => writeFileSync(join(wrong, "oci-layout"), '{"imageLayoutVersion":"2"}'),
        ],
        ["index.json", "invalid_manifest", () => rmSync(join(wrong, "index.json"))],
        ["link", "unsupported", () => symlinkSync("index.json", join(wrong, "link"))],
        ["pipe", "unsupported", () => Bun.spawnSync(["mkfifo", join(wrong, "pipe")])],
        ["out", "unsupported", () => symlinkSync("/etc/hostname", join(wrong, "out"))],
        ["index.json has 4194305", "limit_exceeded", () => edit(wrong, () => " ".repeat(4 * 1024 * 1024 + 1))],
        ["index.json: ", "invalid_manifest", () => edit(wrong, () => "{")],
        ["blobs/sha256/README", "invalid_manifest", () => cpSync(join(wrong, "README"), join(blobs, "README"))],
        ["blobs/md5/x", "invalid_manifest", () => cpSync(join(wrong, "README"), join(wrong, "blobs/md5/x"))],
        ["says 1", "size_mismatch", () => edit(wrong, (text) => text.replace(/"size": \d+/, '"size": 1'))],
        ["sha256:", "manifest_blob_unknown", () => edit(wrong, (text) => text.replace(/[0-9a-f]{64}/, "0".repeat(64)))],
        ["", "invalid_manifest", () => edit(wrong, () => "{}")],
      ];
      for (const [path, code, spoil] of cases) {
        rmSync(wrong, { recursive: true });
        foreignLayout(wrong);
        spoil();
        const refused = await failed(run("import-oci", wrong, ...kept));
        expect([path, refused.code, refused.error, refused.stdout]).toEqual([path, 4, code, ""]);
        expect(refused.message).toContain(path);
      }
      const archives: readonly (readonly [string, string, string])[] = [
        ["head -c 2048 /dev/urandom >", "invalid_archive", "checksum"],
        ["tar cPf", "invalid_archive", "absolute"],
        ["tar --transform=s,^,../, -cPf", "invalid_archive", '".." segment'],
      ];
      for (const [command, code, message] of archives) {
        const source = out("no.tar");
        Bun.spawnSync(["sh", "-c", `${command} '${source}' '${join(wrong, "README")}'`]);
        const refused = await failed(run("import-oci", source, ...kept));
        expect([command, refused.code, refused.error]).toEqual([command, 4, code]);
        expect(refused.message).toContain(message);
      }
      const many = out("many.tar");
      Bun.spawnSync(["tar", "cf", many, "-C", wrong, "."]);
      const few = await failed(run("import-oci", many, ...kept, "--set", "limits.max_archive_entries=1"));
      expect(few).toMatchObject({ code: 4, error: "limit_exceeded" });
      const unreadable = await failed(run("import-oci", notUtf8(wrong), ...kept));
      expect(unreadable).toMatchObject({ code: 4, error: "source_changed" });
      expect(unreadable.message).not.toContain("--skip-unreadable");
      expect(storedObjects(data).length).toBe(before);
      const left = jsonLines(await ok(["doctor", "--json"], { data }))[0];
      expect(left?.open_packages).toBe(0);
    });
  });
});

test("what is missing or damaged is told by the same code at both doors, and at once", async () => {
  const at = `${server.url}/v2/team/broken`;
  const content = `broken by ${import.meta.path}`;
  for (const blob of ["{}", content]) {
    const pushed = await fetch(`${at}/blobs/uploads/?digest=${digestOf(blob)}`, { method: "POST", body: blob });
    expect(pushed.status).toBe(201);
  }
  const headers = { "content-type": IMAGE };
  const body = imageOf([content]) as Uint8Array<ArrayBuffer>;
  expect((await fetch(`${at}/manifests/1`, { method: "PUT", headers, body })).status).toBe(201);
  const [object = ""] = storedObjects(data).filter((path) => readFileSync(path, "utf8") === content);
  chmodSync(object, 0o644);
  writeFileSync(object, content.toUpperCase());
  for (const door of Object.values(DOORS)) {
    const asked = (what: string) => failed(door(["export-oci", what, join(dir, "broken"), "--json"]));
    expect(await asked("team/broken:1")).toMatchObject({ code: 5, error: "object_corrupt", stdout: "" });
    const { stderr } = await door(["export-oci", "team/broken:2", join(dir, "broken"), "--json"]);
    expect(jsonLines(stderr).at(-1)).toMatchObject({
      error: { code: "manifest_not_found", data: { repository: "team/broken", reference: "2" } },
    });
  }
  expect(existsSync(join(dir, "broken"))).toBe(false);
});

test("an answer that is no registry's is told as that", async () => {
  const page = meddler(server.url, (answer, request) =>
    request.url.includes("/referrers/") ? new TextEncoder().encode('{"manifests":[{"digest":1}]}') : answer,
  );
  const args = ["export-oci", "team/app:1.0", join(dir, "odd"), "--referrers", "--json"];
  const refused = await failed(through(page, args));
  expect(refused).toMatchObject({ code: 6, error: "server_unavailable", stdout: "" });
  expect(refused.message).toContain("no page of referrers");
});

test("what comes from a server is compared with its digest before it has a name", async () => {
  const layer = String(LARGE.length);
  const url = meddler(server.url, (answer, request) => {
    if (request.method !== "GET" || !request.url.includes("/blobs/") || String(answer.length) !== layer) return answer;
    const changed = answer.slice();
    changed[5_000_000] = (changed[5_000_000] as number) ^ 1;
    return changed;
  });
  for (const target of [join(dir, "meddled"), join(dir, "meddled.tar")]) {
    const refused = await failed(through(url, ["export-oci", "team/app:1.0", target, "--json"]));
    expect(refused).toMatchObject({ code: 5, error: "object_corrupt", stdout: "" });
    expect(readdirSync(dir).filter((name) => name.includes("meddled"))).toEqual([]);
  }
});

test.each(RUNTIME_NAMES)("on %s, images become packages and files, here and through a server", async (runtime) => {
  const own = join(dir, `data-${runtime}`);
  const there = await serveStore({ data: own, runtime });
  const base = join(dir, `on-${runtime}`);
  try {
    await seed(there.url);
    const doors = [
      (args: readonly string[]) => cli(args, { data: own, runtime }),
      (args: readonly string[]) => through(there.url, args, { runtime }),
    ];
    for (const [at, door] of doors.entries()) {
      const to = (path: string) => join(base, String(at), path);
      const made = await said(door(["import-oci", "team/app:1.0", ...kept, "--referrers", "--json"]));
      await said(door(["export-oci", "team/app:1.0", to("image"), "--referrers", "--json"]));
      await said(door(["export-oci", String(made.package_id), to("package.tar"), "--json"]));
      const again = await said(door(["import-oci", to("package.tar"), ...kept, "--json"]));
      await said(door(["export-oci", String(again.package_id), to("again"), "--json"]));
      expect(difference(to("image"), to("again"))).toBe("");
      if (at > 0) expect(difference(to("image"), join(base, "0/image"))).toBe("");
    }
  } finally {
    await there.stop();
  }
});

/** Puts a file there whose name is not UTF-8. */
function notUtf8(layout: string): string {
  Bun.spawnSync(["bash", "-c", `touch '${layout}'/$'caf\\xe9'`]);
  return layout;
}

function edit(layout: string, change: (text: string) => string): void {
  const path = join(layout, "index.json");
  writeFileSync(path, change(readFileSync(path, "utf8")));
}

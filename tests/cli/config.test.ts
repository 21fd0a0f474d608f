import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findSetting } from "../../cli/config/schema.ts";
import { parseDotEnv } from "../../cli/config/sources.ts";
import { type ConfigFlags, loadConfig, settings } from "../../cli/config.ts";
import { isRegistryError } from "../../core/base/errors.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const made: string[] = [];
let cwd = "";
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "artifact-store-config-"));
  made.push(cwd);
});
afterAll(() => {
  for (const dir of made) rmSync(dir, { recursive: true, force: true });
});

interface Given {
  flags?: ConfigFlags;
  env?: Record<string, string>;
  toml?: string;
}

function load({ flags = {}, env = {}, toml }: Given = {}) {
  if (toml !== undefined) writeFileSync(join(cwd, "artifactstore.toml"), toml);
  return loadConfig({ flags, env, cwd });
}

function problemsOf(given: Given): readonly string[] {
  try {
    load(given);
  } catch (error) {
    if (!isRegistryError(error, "config_invalid")) throw error;
    expect(error.message).toBe((error.data.problems as string[]).join("\n"));
    return error.data.problems as string[];
  }
  throw new Error("expected config_invalid");
}

describe("precedence", () => {
  const toml = '[log]\nlevel = "debug"\n[limits]\nmax_files_per_package = 7\n[reads]\nverify = false';

  test("flags win over the environment, that over the file, that over defaults, and each value knows its source", () => {
    const env = { ARTIFACTSTORE_LOG_LEVEL: "warn", ARTIFACTSTORE_LIMITS_MAX_FILES_PER_PACKAGE: "8" };
    const config = load({ flags: { logLevel: "error" }, env, toml });
    expect(config.log.level).toBe("error");
    expect(config.limits.max_files_per_package).toBe(8);
    expect(config.reads.verify).toBe(false);
    expect(config.limits.max_metadata_bytes).toBe(1048576);
    const from = Object.fromEntries(config.sources.map((source) => [source.key, `${source.rank}: ${source.from}`]));
    expect(from["log.level"]).toBe("flag: flag --log-level");
    expect(from["limits.max_files_per_package"]).toBe(
      "environment: environment variable ARTIFACTSTORE_LIMITS_MAX_FILES_PER_PACKAGE",
    );
    expect(from["reads.verify"]).toBe("file: ./artifactstore.toml");
    expect(from["limits.max_metadata_bytes"]).toBe("default: default");
    expect(config.sources.map(({ key }) => key)).toEqual(settings.map(({ key }) => key));
  });

  test("--config wins over ARTIFACTSTORE_CONFIG, and either over ./artifactstore.toml", () => {
    writeFileSync(join(cwd, "a.toml"), '[log]\nlevel = "error"');
    writeFileSync(join(cwd, "b.toml"), '[log]\nlevel = "warn"');
    expect(load({ env: { ARTIFACTSTORE_CONFIG: "b.toml" }, toml }).log.level).toBe("warn");
    const config = load({ flags: { config: "a.toml" }, env: { ARTIFACTSTORE_CONFIG: "b.toml" } });
    expect(config.log.level).toBe("error");
    expect(config.file).toBe(join(cwd, "a.toml"));
  });

  test(".env is read as environment, and the real environment wins over it", () => {
    writeFileSync(
      join(cwd, ".env"),
      "OTHER=x\nARTIFACTSTORE_LOG_LEVEL=error # why\nexport ARTIFACTSTORE_LISTEN='[::1]:9'\n",
    );
    expect(load().log.level).toBe("error");
    expect(load().server.listen).toEqual({ hostname: "::1", port: 9 });
    expect(load({ env: { ARTIFACTSTORE_LOG_LEVEL: "warn" } }).log.level).toBe("warn");
  });

  test("an empty environment variable counts as not set", () => {
    expect(load({ env: { ARTIFACTSTORE_LOG_LEVEL: "", ARTIFACTSTORE_CONFIG: "" } }).log.level).toBe("info");
  });
});

describe("environment names", () => {
  const samples: Record<string, string> = {
    "server.listen": "127.0.0.1:1",
    "server.insecure": "true",
    "server.tls_cert": "/t/cert.pem",
    "server.tls_key": "/t/key.pem",
    "server.public_url": "https://a.example/store/",
    "client.server": "http://127.0.0.1:8000",
    "server.trust_proxy": "10.0.0.0/8, ::1",
    "server.read_timeout": "1m",
    "server.idle_timeout": "500ms",
    "server.write_timeout": "1h",
    "server.shutdown_timeout": "7",
    "log.format": "json",
    "limits.max_header_bytes": "1KiB",
    "limits.max_headers": "7",
    "limits.max_url_bytes": "1KiB",
    "limits.max_in_flight": "7",
    "limits.max_connections": "7",
    "limits.min_rate_bytes": "7",
    "limits.min_rate_window": "7s",
    "server.allowed_hosts": "a.example,b.example",
    "data.dir": "/x",
    "database.url": "postgres://u@h/d",
    "storage.url": "file:///y",
    "storage.local_root": "/y",
    "log.level": "warn",
    "limits.max_object_bytes": "1KiB",
    "limits.max_files_per_package": "3",
    "limits.max_metadata_bytes": "4096",
    "limits.max_manifest_bytes": "7MiB",
    "limits.max_external_refs": "7",
    "limits.max_archive_entries": "7",
    "limits.max_archive_bytes": "7MiB",
    "limits.max_archive_ratio": "7",
    "limits.max_open_uploads": "7",
    "limits.max_json_bytes": "7KiB",
    "reads.verify": "no",
    "oci.sparse_indexes": "no",
    "oci.sparse_images": "yes",
    "oci.history_protection": "36h",
  };

  test.each(settings.map((setting) => [setting.key, setting] as const))(
    "%s is set by its derived name",
    (key, setting) => {
      const name = `ARTIFACTSTORE_${key.replace(".", "_").toUpperCase()}`;
      expect(setting.env[0]).toBe(name);
      // A certificate and its key come together.
      const other = { "server.tls_cert": "server.tls_key=k", "server.tls_key": "server.tls_cert=c" }[key as string];
      const flags = other === undefined ? {} : { set: [other] };
      const source = load({ env: { [name]: samples[key] ?? "" }, flags }).sources.find((item) => item.key === key);
      expect(source?.from).toBe(`environment variable ${name}`);
      expect(source?.value).not.toEqual(setting.defaultValue);
    },
  );

  test("no two settings share a name", () => {
    const names = settings.flatMap(({ env }) => env);
    expect(new Set(names).size).toBe(names.length);
  });

  test("a name that is no setting is refused with the name that was probably meant", () => {
    expect(problemsOf({ env: { ARTIFACTSTORE_DATABASEURL: "x" } })).toEqual([
      "environment variable ARTIFACTSTORE_DATABASEURL: there is no such setting; did you mean ARTIFACTSTORE_DATABASE_URL?",
    ]);
    expect(problemsOf({ env: { ARTIFACTSTORE_QQQQ: "x" } })[0]).not.toContain("did you mean");
  });

  test("names of other tools and of the tests pass", () => {
    load({ env: { ARTIFACTSTORE_SERVER: "http://127.0.0.1:8000", ARTIFACTSTORE_TEST_ROUNDS: "5", PATH: "/bin" } });
  });
});

describe("sources of one rank that disagree", () => {
  test.each([
    [
      { env: { ARTIFACTSTORE_LISTEN: "127.0.0.1:1", ARTIFACTSTORE_SERVER_LISTEN: "127.0.0.1:2" } },
      "ARTIFACTSTORE_SERVER_LISTEN",
    ],
    [{ env: { ARTIFACTSTORE_STORAGE_URL: "file:///a", ARTIFACTSTORE_STORAGE_LOCAL_ROOT: "/b" } }, "storage.local_root"],
    [{ toml: '[storage]\nurl = "file:///a"\nlocal_root = "/b"' }, "./artifactstore.toml"],
    [{ flags: { listen: "127.0.0.1:1", set: ["server.listen=127.0.0.1:2"] } }, "flag --set server.listen"],
    [{ flags: { set: ["log.level=info", "log.level=warn"] } }, "flag --set log.level"],
  ] as [Given, string][])("%j is refused", (given, named) => {
    const problems = problemsOf(given);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("disagree");
    expect(problems[0]).toContain(named);
  });

  test("the same value twice, however it is written, is no disagreement", () => {
    const env = { ARTIFACTSTORE_STORAGE_URL: `file://${cwd}/o%20o`, ARTIFACTSTORE_STORAGE_LOCAL_ROOT: "./o o" };
    expect(load({ env }).storage.root).toBe(join(cwd, "o o"));
  });

  test("between ranks the higher one wins, also across the two names of the storage", () => {
    const toml = '[storage]\nlocal_root = "/low"';
    const config = load({ env: { ARTIFACTSTORE_STORAGE_URL: "file:///high" }, toml });
    expect(config.storage.root).toBe("/high");
    const effective = Object.fromEntries(config.sources.map(({ key, value }) => [key, value]));
    expect(effective["storage.url"]).toBe("file:///high");
    expect(effective["storage.local_root"]).toBe("/high");
    expect(
      load({ flags: { storageUrl: "file:///flag" }, env: { ARTIFACTSTORE_STORAGE_LOCAL_ROOT: "/env" } }).storage.root,
    ).toBe("/flag");
    expect(
      load({ flags: { set: ["storage.local_root=/flag"] }, env: { ARTIFACTSTORE_STORAGE_URL: "file:///env" } }).storage
        .root,
    ).toBe("/flag");
  });
});

describe("values", () => {
  test("database and storage follow data.dir, and relative paths the working directory", () => {
    const config = load({ flags: { dataDir: "some where" } });
    expect(config.data.dir).toBe(join(cwd, "some where"));
    expect(config.database).toEqual({ kind: "sqlite", path: join(cwd, "some where", "artifact-store.db") });
    expect(config.storage).toEqual({ kind: "fs", root: join(cwd, "some where", "objects") });
  });

  test.each([
    ["sqlite:///var/lib/a%20b.db", { kind: "sqlite", path: "/var/lib/a b.db" }],
    ["sqlite:////var/lib/a.db", { kind: "sqlite", path: "/var/lib/a.db" }],
    ["postgres://u:p@h:5/d", { kind: "postgres", url: "postgres://u:p@h:5/d" }],
    ["postgresql://h/d", { kind: "postgres", url: "postgresql://h/d" }],
  ])("database.url = %s", (url, target) => {
    expect(load({ flags: { databaseUrl: url } }).database as object).toEqual(target);
  });

  test("a path with every odd character survives the way through a URL", () => {
    const dir = join(cwd, "a%41 #?ü:@\\b");
    expect(load({ flags: { dataDir: dir } }).storage.root).toBe(join(dir, "objects"));
    expect(load({ flags: { dataDir: dir } }).database).toEqual({
      kind: "sqlite",
      path: join(dir, "artifact-store.db"),
    });
  });

  test.each([
    ["false", false],
    ["0", false],
    ["no", false],
    ["off", false],
    ["true", true],
    ["1", true],
  ])("the environment's %s is the boolean %p", (text, value) => {
    expect(load({ env: { ARTIFACTSTORE_READS_VERIFY: text } }).reads.verify).toBe(value);
  });

  test.each([
    ["listen", "8000"],
    ["listen", ":8000"],
    ["listen", "127.0.0.1:65536"],
    ["listen", "::1:80"],
    ["listen", ""],
    ["databaseUrl", "sqlite:data.db"],
    ["databaseUrl", "sqlite:///a.db?mode=memory"],
    ["databaseUrl", "sqlite://host/a.db"],
    ["databaseUrl", "mysql://h/d"],
    ["storageUrl", "s3://bucket"],
    ["storageUrl", "file:///a%2fb"],
    ["storageUrl", "file:///"],
    ["logLevel", "loud"],
  ] as const)("--%s %p is refused, naming key, value, source and what is wanted", (option, value) => {
    const [problem] = problemsOf({ flags: { [option]: value } });
    const setting = settings.find(({ key }) => problem?.startsWith(`${key} is `));
    expect(setting).toBeDefined();
    expect(problem).toContain(JSON.stringify(value));
    expect(problem).toContain("(flag --");
    expect(problem).toContain(`wanted ${setting?.wanted}`);
  });

  test.each([
    "limits.max_object_bytes=0",
    "limits.max_object_bytes=1MB",
    "limits.max_object_bytes=-1",
    "limits.max_object_bytes=9007199254740993",
    "limits.max_files_per_package=1.5",
    "reads.verify=maybe",
    "server.allowed_hosts=a b",
    "server.allowed_hosts=a:80",
    "server.trust_proxy=10.0.0.1/8",
    "server.trust_proxy=10.0.0.0/33",
    "server.trust_proxy=proxy.example",
    "server.public_url=artifacts.example",
    "server.public_url=https://a.example/?x=1",
    "server.public_url=https://user@a.example",
    "client.server=artifacts.example:8000",
    "client.server=ftp://artifacts.example",
    "client.server=https://user:secret@a.example",
    "client.server=https://secret@a.example",
    "server.read_timeout=soon",
    "server.read_timeout=-1",
    "server.read_timeout=25h",
  ])("--set %s is refused", (item) => {
    expect(problemsOf({ flags: { set: [item] } })[0]).toStartWith(`${item.split("=")[0]} is `);
  });

  test("a value is checked even where a higher rank overrides it", () => {
    expect(problemsOf({ flags: { logLevel: "info" }, toml: "[log]\nlevel = 3" })).toEqual([
      "log.level is 3 (./artifactstore.toml); wanted debug, info, warn or error",
    ]);
  });

  test("all problems are reported at once", () => {
    const env = { ARTIFACTSTORE_LOG_LEVEL: "x", ARTIFACTSTORE_READS_VERIFY: "x" };
    expect(problemsOf({ env, toml: "[nope]\n[log]\nlevl = 1", flags: { set: ["a=1", "b"] } })).toHaveLength(6);
  });
});

describe("passwords", () => {
  test.each([
    "postgres://user:s3cr:et@host:99999999/db",
    "postgres://us@er:s3cr@et:bad/x@host/db",
    "postgres:/user:s3cret@host/db",
    "user:s3cret@host/db",
    "mysql://user:s3cret@host/db",
    "mysql://host/db?password=s3cret&x=1",
  ])("never appear in an error: %s", (url) => {
    for (const given of [
      { flags: { databaseUrl: url } },
      { env: { ARTIFACTSTORE_LISTEN: url } },
      { toml: `[database]\nurl = ${JSON.stringify(url)}` },
      { toml: `[database]\nurl = "${url}` },
      { toml: `database_url = ${JSON.stringify(url)}` },
      { toml: `database = ${JSON.stringify(url)}` },
      { toml: `[database]\nurl = { value = ${JSON.stringify(url)} }` },
      { flags: { set: [`database.ur=${url}`] } },
      { flags: { set: [url] } },
    ]) {
      const text = problemsOf(given).join("\n");
      expect(text).not.toContain("s3cr");
      expect(text).not.toContain("et@");
      rmSync(join(cwd, "artifactstore.toml"), { force: true });
    }
  });

  test("never appear in the effective configuration, while the target keeps them", () => {
    const config = load({ flags: { databaseUrl: "postgres://user:s3cret@host/db" } });
    expect(JSON.stringify(config.sources)).toContain("postgres://user:***@host/db");
    expect(JSON.stringify(config.sources)).not.toContain("s3cret");
    expect(config.database).toEqual({ kind: "postgres", url: "postgres://user:s3cret@host/db" });
  });
});

describe("the TOML file", () => {
  test.each([
    ['[server]\nlistn = "x"', "there is no setting server.listn; did you mean server.listen?"],
    ['[sever]\nlisten = "x"', "there is no section [sever]; did you mean server?"],
    ['listen = "127.0.0.1:1"', "there is no section [listen]; did you mean server.listen?"],
    ["server = 1", "server is 1; wanted a table, written as [server]"],
    ["[[server]]", "server is [{}]; wanted a table, written as [server]"],
    ["[log\n", "not valid TOML at line 1, column"],
  ])("%j is refused with a reason", (toml, reason) => {
    const [problem] = problemsOf({ toml });
    expect(problem).toStartWith("./artifactstore.toml: ");
    expect(problem).toContain(reason);
  });

  test("one that is named but missing is refused", () => {
    expect(problemsOf({ flags: { config: "gone.toml" } })).toEqual([
      "gone.toml: there is no such file; wanted the path of a TOML file",
    ]);
  });
});

describe("server.listen", () => {
  test.each(["127.0.0.1:0", "127.9.9.9:80", "[::1]:80", "localhost:80", "LocalHost:80"])("%s is loopback", (listen) => {
    load({ flags: { listen } });
  });

  test.each([
    "0.0.0.0:80",
    "[::]:80",
    "192.168.1.2:80",
    "example.org:80",
    "127.0.0.1.example.org:80",
    "[::ffff:8.8.8.8]:80",
  ])("%s needs server.insecure", (listen) => {
    const [problem] = problemsOf({ flags: { listen } });
    expect(problem).toContain("server.insecure = true");
    expect(problem).toContain("over plain HTTP");
    expect(problem).toContain(JSON.stringify(listen));
    load({ flags: { listen, set: ["server.insecure=true"] } });
    // Encrypted or behind a proxy, still nobody is asked who they are.
    for (const set of [["server.trust_proxy=10.0.0.0/8"], ["server.tls_cert=a.pem", "server.tls_key=b.pem"]]) {
      const [still] = problemsOf({ flags: { listen, set } });
      expect(still).toContain("nobody is asked who they are;");
    }
  });

  test("half a certificate is refused, and names the other half", () => {
    expect(problemsOf({ flags: { set: ["server.tls_cert=a.pem"] } })).toEqual([
      "server.tls_cert is set and server.tls_key is not; wanted both, or neither",
    ]);
    const { tls_cert, tls_key } = load({ flags: { set: ["server.tls_cert=a.pem", "server.tls_key=b.pem"] } }).server;
    expect([tls_cert, tls_key]).toEqual([join(cwd, "a.pem"), join(cwd, "b.pem")]);
  });

  test("the public URL has no slash at its end, and times are seconds", () => {
    const set = ["server.public_url=https://A.example/store/", "server.read_timeout=2m", "server.idle_timeout=250ms"];
    const { public_url, read_timeout, idle_timeout } = load({ flags: { set } }).server;
    expect([public_url, read_timeout, idle_timeout]).toEqual(["https://a.example/store", 120, 0.25]);
  });
});

describe("the examples", () => {
  const dotEnv = readFileSync(join(ROOT, ".env.example"), "utf8");
  const toml = readFileSync(join(ROOT, "artifactstore.example.toml"), "utf8");
  const effective = (given: Given) => load(given).sources.map(({ key, value }) => [key, value]);
  /** Lines such as `# url = "x"` or `# NAME=x`, taken in. */
  const uncomment = (text: string) => text.replace(/^# (?=[A-Z_]+=|[a-z_]+ = )/gm, "");

  test(".env.example names every variable and says exactly the defaults", () => {
    const named = parseDotEnv(uncomment(dotEnv));
    const known = settings.flatMap(({ env }) => env);
    expect(Object.keys(named).sort()).toEqual([...known, "ARTIFACTSTORE_CONFIG"].sort());
    const defaults = effective({});
    const { ARTIFACTSTORE_CONFIG: file, ...env } = named;
    expect(file).toBe("./artifactstore.toml");
    expect(effective({ env })).toEqual(defaults);
    expect(parseDotEnv(dotEnv)).toEqual({});
  });

  test("artifactstore.example.toml names every key and says exactly the defaults, with and without its comments", () => {
    const defaults = effective({});
    expect(effective({ toml })).toEqual(defaults);
    const full = uncomment(toml);
    // These have no default that could be written down.
    const unset = ["server.tls_cert", "server.tls_key", "server.public_url", "client.server"];
    const set = (all: ReturnType<typeof effective>) => all.filter(([key]) => !unset.includes(key as string));
    expect(set(effective({ toml: full }))).toEqual(set(defaults));
    const sources = load({ toml: full }).sources;
    expect(sources.filter(({ rank }) => rank !== "file")).toEqual([]);
  });

  test("every setting says what it is and what is wanted", () => {
    for (const { key } of settings) {
      expect(findSetting(key)?.summary).toMatch(/^[A-Z].*\.$/);
      expect(findSetting(key)?.wanted.length).toBeGreaterThan(3);
    }
  });
});

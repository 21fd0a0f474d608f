/**
 * A thousand and more requests that nobody should send, over bare sockets, to the real program on each runtime. Each has
 * its class of answer; none may be a failure of ours. Afterwards the server is as it was: alive, healthy, with nothing
 * open and nothing lying around.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { ok, RUNTIME_NAMES, start, temporary, until } from "../../cli/support.ts";
import type { Case } from "./case.ts";
import { CORPUS, COUNT } from "./corpus.ts";
import { type Answer, answersOf, exchange } from "./wire.ts";

setDefaultTimeout(180_000);
const AT_ONCE = 16;
/** Short enough for a test, long enough for a machine that has much to do. */
const CLOCKS = ["server.read_timeout=6s", "limits.min_rate_window=6s"];
const dir = temporary("bad-input");

test("the corpus has a thousand cases and more", () => {
  console.log(`${COUNT} bad requests`);
  expect(COUNT).toBeGreaterThanOrEqual(1000);
});

/** What is wrong with what came back; undefined when it is as wanted. */
function wrong(one: Case, bytes: Uint8Array, text: string): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 5)).toString("latin1") === "HEAD ";
  let answers: Answer[];
  try {
    // Whoever goes before the end may get a part.
    // A request that the parser refuses has no method.
    answers = one.ending === "reset" ? [] : answersOf(text, head && !text.startsWith("HTTP/1.1 400"));
  } catch (error) {
    return String(error);
  }
  const statuses = answers.map(({ status }) => status);
  if (one.ending === "reset") return /^HTTP\/1\.1 5/.test(text) ? `got ${text.slice(0, 200)}` : undefined;
  const [first] = answers;
  if (answers.length > 1) return `${answers.length} answers: ${statuses}`;
  if (!one.wants.includes(first?.status ?? 0))
    return `got ${first?.status ?? 0}, not ${one.wants}: ${first?.body.slice(0, 300)}`;
  if (first === undefined || first.status < 400 || head) return undefined;
  if (first.headers["content-type"] !== "application/problem+json")
    return `no problem: ${first.headers["content-type"]}`;
  const problem = JSON.parse(Buffer.from(first.body, "latin1").toString()) as Record<string, unknown>;
  const coded =
    problem.status === first.status && /^[a-z_]+$/.test(String(problem.code)) && problem.code !== "internal";
  const named = problem.request_id === first.headers["x-request-id"];
  return coded && named && first.body.length < 20_000 ? undefined : `a bad problem: ${first.body.slice(0, 500)}`;
}

describe.each(RUNTIME_NAMES)("on %s", (runtime) => {
  const data = join(dir, runtime);
  let child: ReturnType<typeof start>;
  let url: string;
  let port: number;
  let log = "";
  let said = "";
  const ids: Record<string, string> = {};
  let baseline: readonly string[] = [];

  /** What is open, by what it is: a path, `socket`, `anon_inode:[eventpoll]`. Sorted. */
  const descriptors = () =>
    readdirSync(`/proc/${child.pid}/fd`)
      .flatMap((fd) => {
        try {
          return [readlinkSync(`/proc/${child.pid}/fd/${fd}`).replace(/:\[\d+\]$/, "")];
        } catch {
          // Closed while we looked.
          return [];
        }
      })
      .sort();
  /** What is open and was not. The database opens its readers when they are wanted, and keeps them. */
  const grown = () => {
    // So does the thread that hashes: what wakes one up is two of the first and one of the second on Deno.
    const thread = ["eventfd", "eventfd", "eventpoll"].map((kind) => `anon_inode:[${kind}]`);
    const before = [...baseline, ...thread];
    return descriptors().filter((one) => {
      if (/artifact-store\.db(-wal|-shm)?$/.test(one)) return false;
      const at = before.indexOf(one);
      if (at >= 0) before.splice(at, 1);
      return at < 0;
    });
  };
  const ask = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { connection: "close", ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    return { status: response.status, json: text.startsWith("{") ? JSON.parse(text) : {} };
  };
  const make = async (name: string) =>
    (
      await ask("POST", "/packages", JSON.stringify({ name, retention_class: "working" }), {
        "content-type": "application/json",
      })
    ).json.package_id as string;
  const upload = async (path: string) => {
    const target = `/uploads?package_id=${ids.open}&path=${path}`;
    return (await ask("POST", target, "", { "upload-complete": "?0" })).json.upload_id as string;
  };
  /** Files below the storage's root that are not published objects. */
  const leftovers = () =>
    readdirSync(join(data, "objects"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/^[0-9a-f]{64}(\.\d+)?$/.test(entry.name))
      .map((entry) => entry.name);

  beforeAll(async () => {
    child = start(["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json", ...CLOCKS], {
      runtime,
      data,
    });
    const read = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      const decoder = new TextDecoder();
      for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
    };
    void read(child.stdout, (text) => {
      said += text;
    });
    void read(child.stderr, (text) => {
      log += text;
    });
    url = await until(() => {
      if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}: ${log}`);
      return / listens on (\S+)\n/.exec(said)?.[1];
    });
    port = Number(new URL(url).port);
    ids.closed = await make("team/app");
    ids.object = (await ask("PUT", `/packages/${ids.closed}/files/ten`, "0123456789")).json.content_address;
    await ask("PUT", `/packages/${ids.closed}/files/large`, "x".repeat(3_000_000));
    await ask("POST", `/packages/${ids.closed}/finalize`);
    ids.open = await make("open");
    await ask("PUT", `/packages/${ids.open}/files/there`, "there");
    ids.upload = await upload("upload");
    ids.cut = await upload("another");
    baseline = descriptors();
  });
  afterAll(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });

  test.each(Object.entries(CORPUS))("%s", async (_, cases) => {
    const found: string[] = [];
    const left = [...cases];
    const client = async () => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) {
        const filled = (text: string) =>
          text.replace(/\{(open|closed|upload|cut|object)\}/g, (_whole, id) => ids[id] as string);
        const bytes = typeof one.send === "string" ? Buffer.from(filled(one.send), "latin1") : one.send;
        try {
          const problem = wrong(one, bytes, await exchange(port, one, bytes));
          if (problem !== undefined) found.push(`${one.name}: ${problem}`);
        } catch (error) {
          found.push(String(error));
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    expect(found).toEqual([]);
    expect(child.exitCode).toBeNull();
    expect((await ask("GET", "/health")).status).toBe(200);
  });

  test("nothing of it was a failure of ours", () => {
    const entries = log
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    // Who hangs up gets 503, which nobody hears.
    const failures = entries.filter(({ status, cut }) => Number(status) >= 500 && cut !== true);
    expect(failures).toEqual([]);
    expect(entries.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("what was there is still there, and the polluter polluted nothing", async () => {
    expect(await (await fetch(`${url}/packages/${ids.closed}/files/ten`)).text()).toBe("0123456789");
    expect(await (await fetch(`${url}/packages/${ids.open}/files/there`)).text()).toBe("there");
    expect((await ask("GET", `/packages/${ids.open}`)).json).toMatchObject({ state: "open", metadata: {} });
    expect((await ask("GET", `/packages/${ids.open}`)).json.polluted).toBeUndefined();
  });

  test("nothing stays open, and nothing is left lying around", async () => {
    const uploads = [ids.upload, ids.cut];
    // Of uploads that were begun on the way, one by one: their ids are in no list.
    for (const id of uploads) expect((await ask("DELETE", `/uploads/${id}`)).status).toBe(204);
    // Freed a moment after its answer is out; what is there after ten seconds is there for good.
    for (let tries = 0; tries < 100 && grown().length + leftovers().length > 0; tries++) await Bun.sleep(100);
    expect([leftovers(), grown()]).toEqual([[], []]);
    expect(descriptors().length).toBeLessThan(baseline.length + 20);
    // 96 MiB of zeros in three kilobytes, 5 MiB of JSON, sixteen at a time: bounded is what it is about.
    const most = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024;
    console.log(`${runtime}: ${Math.round(most)} MiB at most`);
    expect(most).toBeLessThan(1024);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    await ok(["doctor"], { runtime, data });
    await ok(["events", "verify"], { runtime, data });
  });
});

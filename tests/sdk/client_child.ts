/** Spawned on each runtime: one scenario of the client against the server given, and what it saw as one line of JSON. */
import { createHash } from "node:crypto";
import process from "node:process";
import {
  ApiError,
  createClient,
  downloadFile,
  followEvents,
  uploadFile,
  uploadResumable,
} from "../../sdk/typescript/mod.ts";

const [scenario = "", server = "", direct = server] = process.argv.slice(2);
const api = createClient({ server, headers: { "x-request-id": "sdk-test" } });

const newPackage = async (name: string) =>
  (await api.createPackage({ body: { name, retention_class: "working" } })).data.package_id;

/** Bytes that compress badly and repeat nowhere near; the same in every run. */
function pattern(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const bytesOf = async (stream: ReadableStream<Uint8Array>) => new Uint8Array(await new Response(stream).arrayBuffer());

async function failure(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
    return "nothing was thrown";
  } catch (error) {
    if (!(error instanceof ApiError)) return `${(error as Error).name}: ${(error as Error).message}`;
    const { code, status, title, data, requestId } = error;
    return { code, status, title, data, requestId, explained: error.detail !== undefined };
  }
}

const SCENARIOS: Record<string, () => Promise<unknown>> = {
  async packages() {
    const content = pattern(3_000_000);
    const packageId = await newPackage("sdk/one");
    const sent: number[] = [];
    const onProgress = (count: number) => sent.push(count);
    const source = pieces(content, 100_000);
    const path = "dir/ü %.bin";
    const entry = await uploadFile(api, {
      packageId,
      path,
      source,
      mediaType: "application/x-thing",
      size: 3_000_000,
      onProgress,
    });
    await uploadFile(api, { packageId, path: "empty", source: new Uint8Array(0) });
    await uploadFile(api, { packageId, path: "run.sh", source: new Blob(["#!/bin/sh\n"]), executable: true });
    const { data: closed } = await api.finalizePackage({ path: { id: packageId } });
    const paths: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const query = { limit: 2, ...(cursor !== undefined && { cursor }) };
      const { data } = await api.listFiles({ path: { id: packageId }, query });
      paths.push(...data.items.map((item) => item.path));
      cursor = data.next_cursor ?? undefined;
      pages++;
    } while (cursor !== undefined);
    const whole = await downloadFile(api, { packageId, path });
    const read = await bytesOf(whole.body);
    const part = await downloadFile(api, { packageId, path, range: { start: 1000, end: 1999 } });
    const range = await bytesOf(part.body);
    const empty = await downloadFile(api, { packageId, path: "empty" });
    return {
      state: closed.state,
      entry: entry.kind === "file" && entry,
      sha256: sha256(content),
      progress: [sent.length, sent.at(-1)],
      ...{ paths, pages },
      whole: {
        same: sha256(read) === sha256(content),
        length: whole.length,
        size: whole.size,
        mediaType: whole.mediaType,
      },
      digests: whole.digests,
      part: { same: sha256(range) === sha256(content.subarray(1000, 2000)), length: part.length, size: part.size },
      empty: (await bytesOf(empty.body)).length,
    };
  },

  async errors() {
    const packageId = await newPackage("sdk/errors");
    await uploadFile(api, { packageId, path: "a", source: new Blob(["1"]) });
    const put = (more: object) => () => uploadFile(api, { packageId, path: "b", source: new Blob(["22"]), ...more });
    async function* broken() {
      yield new Uint8Array(70_000);
      throw new Error("the disk is gone");
    }
    const wrong = `sha-256=:${btoa("\0".repeat(32))}:`;
    const seen = {
      missing: await failure(() => api.getPackage({ path: { id: "00000000-0000-7000-8000-000000000000" } })),
      head: await failure(() => api.getUploadHead({ path: { id: "00000000-0000-7000-8000-000000000000" } })),
      exists: await failure(put({ path: "a" })),
      digest: await failure(put({ reprDigest: wrong })),
      short: await failure(put({ source: pieces(new Uint8Array(5), 5), size: 6 })),
      long: await failure(put({ source: pieces(new Uint8Array(7), 5), size: 6 })),
      broken: await failure(put({ source: broken() })),
      refusedInTheEnd: await failure(() =>
        uploadResumable(api, { packageId, path: "c", source: new Blob(["x"]), reprDigest: wrong }),
      ),
      refusedLate: await failure(() =>
        uploadResumable(api, { packageId, path: "d", source: new Blob(["x"]), reprDigest: () => wrong }),
      ),
      noDigest: await failure(() =>
        uploadResumable(api, {
          ...{ packageId, path: "e", source: new Blob(["x"]) },
          reprDigest: () => Promise.reject(new Error("it changed")),
        }),
      ),
      noUrl: await failure(async () => createClient({ server: "nowhere" })),
      nobody: await failure(() => createClient({ server: "http://127.0.0.1:9" }).getHealth()),
    };
    const { data } = await api.listFiles({ path: { id: packageId } });
    return { ...seen, nobody: typeof seen.nobody, kept: data.items.map((item) => item.path) };
  },

  async events() {
    const { data: head } = await api.getEventHead();
    const follow = followEvents(api, { since: head.sequence, wait: 10 });
    const first = follow.next();
    const packageId = await newPackage("sdk/events");
    const seen = [(await first).value];
    while (seen.length < 2) seen.push((await follow.next()).value);
    await uploadFile(api, { packageId, path: "a", source: new Blob(["1"]) });
    while (seen.at(-1)?.type !== "v1.package.file_ingested") seen.push((await follow.next()).value);
    const stop = new AbortController();
    const types = ["v1.package.finalized" as const];
    const filtered = followEvents(api, { since: head.sequence, types, signal: stop.signal });
    const next = filtered.next();
    await api.finalizePackage({ path: { id: packageId } });
    const finalized = (await next).value;
    const waiting = failure(() => filtered.next());
    stop.abort(new Error("enough"));
    return {
      gaps: seen.filter((event, i) => event.sequence !== head.sequence + i + 1).length,
      subjects: seen.every((event) => event.subject === packageId || event.type.startsWith("v1.object.")),
      ...{ finalized: [finalized.type, finalized.subject === packageId], stopped: await waiting },
    };
  },

  async cutEvents() {
    const whole = createClient({ server: direct });
    const { data: head } = await whole.getEventHead();
    for (const name of ["one", "two"]) await whole.createPackage({ body: { name, retention_class: "working" } });
    const { data: page } = await whole.listEvents({ query: { since: head.sequence } });
    const wanted = (page as { events: { sequence: number }[] }).events.map((event) => event.sequence);
    const seen: number[] = [];
    for await (const event of followEvents(api, { since: head.sequence, attempts: 4 })) {
      seen.push(event.sequence);
      if (seen.length === wanted.length) break;
    }
    const given = await failure(() =>
      followEvents(createClient({ server: "http://127.0.0.1:9" }), { attempts: 2 }).next(),
    );
    return { same: wanted.join() === seen.join(), some: seen.length >= 2, given: typeof given };
  },

  async resume() {
    const content = pattern(12_000_000, 7);
    const packageId = await newPackage("sdk/resume");
    const durable: number[] = [];
    let begun = 0;
    const entry = await uploadResumable(api, {
      ...{ packageId, path: "big.bin", source: new Blob([content]), partSize: 5_000_000, mediaType: "x/y" },
      reprDigest: async () => `sha-256=:${createHash("sha256").update(content).digest("base64")}:`,
      onBegin: () => begun++,
      onProgress: (progress) => progress.durable !== durable.at(-1) && durable.push(progress.durable),
    });
    const { body } = await downloadFile(api, { packageId, path: "big.bin" });
    const same = sha256(await bytesOf(body)) === sha256(content);
    const rising = durable.every((offset, i) => i === 0 || offset >= (durable[i - 1] as number));
    return {
      same,
      sha256: entry.digests.sha256 === sha256(content),
      mediaType: entry.media_type,
      begun,
      rising,
      end: durable.at(-1),
    };
  },

  async later() {
    const content = pattern(3_000_000, 9);
    const packageId = await newPackage("sdk/later");
    const target = { packageId, path: "late.bin", source: new Blob([content]), partSize: 1_000_000 };
    const stop = new AbortController();
    let uploadId = "";
    const given = await failure(() =>
      uploadResumable(api, {
        ...target,
        onBegin: (id) => {
          uploadId = id;
        },
        onProgress: ({ durable }) => durable >= 1_000_000 && stop.abort(new Error("the process ends")),
        signal: stop.signal,
      }),
    );
    let from = -1;
    const onProgress = ({ durable }: { durable: number }) => {
      if (from < 0) from = durable;
    };
    const entry = await uploadResumable(api, { ...target, uploadId, onProgress });
    // The final answer is there for who comes once more.
    const again = await uploadResumable(api, { ...target, uploadId });
    return {
      ...{ given, from: from >= 1_000_000, again: again.content_address === entry.content_address },
      sha256: entry.digests.sha256 === sha256(content),
    };
  },
};

const work = SCENARIOS[scenario];
if (work === undefined) throw new Error(`No scenario ${scenario}`);
console.log(JSON.stringify(await work()));
process.exit(0);

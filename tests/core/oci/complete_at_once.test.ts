/** A blob that is whole in the closing request goes past the upload's bytes, and must look as if it had not. */
import { afterEach, expect, test } from "bun:test";
import { createFsStorage } from "../../../adapters/storage-fs/mod.ts";
import { collect } from "../../../core/mod.ts";
import { digestOf } from "../../support/oci_images.ts";
import { caller, closeFixtures, codeOf, openFixture, source, text, wholeLog } from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";
import { openTarget } from "../../support/targets.ts";

const cleanups: (() => void)[] = [];
afterEach(async () => {
  await closeFixtures();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const repository = "team/image";
const digest = digestOf("content");

/** One store, seen by two processes. */
async function scene() {
  const directory = temporaryDirectory("at-once");
  cleanups.push(() => directory.remove());
  const target = { kind: "sqlite", url: `${directory.path}/registry.db` } as const;
  const storage = () => createFsStorage({ root: `${directory.path}/objects` });
  const open = async () => await openFixture({ database: await openTarget(target), storage: storage() });
  const [{ registry, database }, { registry: other }] = [await open(), await open()];
  const { upload_id: uploadId } = await registry.oci.startUpload(caller, { repository });
  const put = (bytes: AsyncIterable<Uint8Array>, length = 7, as = digest) =>
    registry.oci.completeUpload(caller, { repository, uploadId, digest: as, source: bytes, length });
  const offset = async () => (await registry.oci.getUpload(caller, { repository, uploadId })).offset;
  const linked = async () => (await wholeLog(registry)).filter(({ type }) => type === "v1.oci.blob_linked").length;
  const staged = async () => {
    const view = storage();
    const tomorrow = Date.now() + 86_400_000;
    return [...(await view.listStaged(tomorrow)), ...(await view.listUploads(tomorrow))];
  };
  const read = async () =>
    await collect((await (await registry.oci.findBlob(caller, { repository, digest })).open()).body, 1 << 20);
  return { registry, database, other, uploadId, put, offset, linked, staged, read };
}

test("ends the upload, is read back, and is answered again to the same digest alone", async () => {
  const { registry, uploadId, put, linked, staged, read } = await scene();
  const blob = await put(source("content"));
  expect(await read()).toEqual(text("content"));
  expect(await staged()).toEqual([]);
  expect(await put(source("content"))).toEqual(blob);
  expect(await codeOf(put(source("another"), 7, digestOf("another")))).toBe("upload_not_found");
  expect(await codeOf(registry.oci.getUpload(caller, { repository, uploadId }))).toBe("upload_not_found");
  expect(await linked()).toBe(1);
});

test("with another digest than was said is over, and leaves nothing", async () => {
  const { registry, uploadId, put, linked, staged } = await scene();
  expect(await codeOf(put(source("contenT")))).toBe("digest_mismatch");
  expect(await codeOf(put(source("content")))).toBe("upload_not_found");
  expect(await codeOf(registry.oci.getUpload(caller, { repository, uploadId }))).toBe("upload_not_found");
  expect(await linked()).toBe(0);
  expect(await staged()).toEqual([]);
});

test("that breaks off, or has another length than was said, leaves the upload where it was", async () => {
  const { put, offset, linked, staged, read } = await scene();
  await expect(put(breaking("con"))).rejects.toThrow("broken");
  for (const bytes of ["conten", "contents"]) expect(await codeOf(put(source(bytes)))).toBe("size_mismatch");
  expect(await offset()).toBe(0);
  expect(await linked()).toBe(0);
  expect(await staged()).toEqual([]);
  await put(source("content"));
  expect(await read()).toEqual(text("content"));
});

test("is overtaken by a newer request, of its own process or of another", async () => {
  for (const who of ["same", "other"] as const) {
    const { registry, other, uploadId, put, offset, linked } = await scene();
    const newer = who === "same" ? registry : other;
    const { promise: wait, resolve: go } = Promise.withResolvers<void>();
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    const older = codeOf(put(stalling("content", reach, wait)));
    await reached;
    const more = { repository, uploadId, source: source("conte"), offset: 0 };
    expect((await newer.oci.appendUpload(caller, more)).offset).toBe(5);
    go();
    expect(await older).toBe("upload_superseded");
    expect(await offset()).toBe(5);
    // Its bytes may have become a blob: they are what they were said to be. They are not the upload's.
    await registry.oci.completeUpload(caller, { repository, uploadId, digest, offset: 5, source: source("nt") });
    expect(await linked()).toBe(1);
  }
});

test("goes on where bytes are already there", async () => {
  const { registry, uploadId, put, read } = await scene();
  await registry.oci.appendUpload(caller, { repository, uploadId, source: source("con") });
  const mismatch = registry.oci.completeUpload(caller, {
    ...{ repository, uploadId, digest, source: source("content"), length: 7, offset: 0 },
  });
  expect(await codeOf(mismatch)).toBe("upload_offset_mismatch");
  await put(source("tent"), 4);
  expect(await read()).toEqual(text("content"));
});

test("that ended before a power cut which took the note of it answers the same again", async () => {
  const { registry, database, uploadId, staged } = await scene();
  const upload = { repository, uploadId };
  await registry.oci.appendUpload(caller, { ...upload, source: source("content") });
  const bytes = await database.read.selectFrom("upload_sessions").select(["upload_offset", "backend_state"]).execute();
  const blob = await registry.oci.completeUpload(caller, { ...upload, digest });
  expect(await staged()).toEqual([]);
  const lost = { state: "completing", answer: null, ...bytes[0] } as const;
  await database.write((trx) => trx.updateTable("upload_sessions").set(lost).execute());
  expect(await registry.oci.completeUpload(caller, { ...upload, digest })).toEqual(blob);
  // Of bytes that were never linked nobody can say anything.
  await database.write((trx) => trx.updateTable("upload_sessions").set(lost).execute());
  const other = registry.oci.completeUpload(caller, { ...upload, digest: digestOf("other") });
  expect(await codeOf(other)).toBe("upload_not_found");
});

async function* breaking(bytes: string): AsyncGenerator<Uint8Array> {
  yield text(bytes);
  throw new Error("broken");
}

/** A byte, a wait, the others. */
async function* stalling(bytes: string, reach: () => void, go: Promise<void>): AsyncGenerator<Uint8Array> {
  yield text(bytes.slice(0, 1));
  reach();
  await go;
  yield text(bytes.slice(1));
}

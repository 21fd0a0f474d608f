/** Cases about uploads that resume: what was promised stays, what was not never counts, and nobody late does harm. */
import { concatBytes } from "../../core/base/bytes.ts";
import type { SealedUpload, StagedUpload, StorageBackend, UploadCheckpoint } from "../../core/spi/storage.ts";
import { check, checkBytes, checkEqual, checkRejects } from "./case.ts";
import { allKeys, pattern, readAll, type StorageCase, type StorageContext, stagedIds } from "./storage_context.ts";

const MIB = 1024 * 1024;
const LATER = 86_400_000;

/** Runs a case about one upload and leaves nothing of it behind. */
function uploadCase(
  name: string,
  run: (context: StorageContext, id: string) => Promise<void>,
  needs?: StorageCase["needs"],
): StorageCase {
  return {
    name,
    ...(needs && { needs }),
    async run(context) {
      const id = crypto.randomUUID();
      try {
        await run(context, id);
      } finally {
        await forget(context.backend, id);
      }
    },
  };
}

async function forget(backend: StorageBackend, id: string): Promise<void> {
  await backend.discardUpload(id);
  const sealed = await backend.sealedUpload(id);
  if (sealed !== undefined) await backend.delete(sealed.key);
}

async function add(upload: StagedUpload, ...chunks: readonly Uint8Array[]): Promise<UploadCheckpoint> {
  for (const chunk of chunks) await upload.write(chunk);
  const checkpoint = await upload.sync();
  await upload.settle(checkpoint);
  return checkpoint;
}

/** One sitting: opens, adds, closes. */
async function sit(
  backend: StorageBackend,
  id: string,
  from: UploadCheckpoint | undefined,
  ...chunks: readonly Uint8Array[]
): Promise<UploadCheckpoint> {
  const upload = await backend.openUpload(id, from === undefined ? {} : { checkpoint: from });
  try {
    return await add(upload, ...chunks);
  } finally {
    await upload.close();
  }
}

/** One whose checkpoint never reached its caller's records. */
async function sitUnrecorded(backend: StorageBackend, id: string, checkpoint: UploadCheckpoint, chunk: Uint8Array) {
  const upload = await backend.openUpload(id, { checkpoint });
  await upload.write(chunk);
  await upload.sync();
  await upload.close();
}

async function bytesOf(sealed: SealedUpload): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of sealed.read()) chunks.push(chunk);
  return concatBytes(chunks);
}

/** Seals, reads, publishes, and reads what was published. */
async function checkWhole(context: StorageContext, id: string, at: UploadCheckpoint, wanted: Uint8Array) {
  const upload = await context.backend.openUpload(id, { checkpoint: at });
  const sealed = await upload.seal();
  checkEqual(sealed.size, wanted.length, "size of the sealed upload");
  checkBytes(await bytesOf(sealed), wanted, "sealed bytes");
  const location = context.track(await sealed.publish(context.newAddress(), 0));
  checkEqual([location.offset, location.length], [0, wanted.length], "offset and length of the location");
  await upload.close();
  checkBytes(await readAll(context.backend, location.key), wanted, "published bytes");
  return location;
}

const openIds = async (backend: StorageBackend) =>
  new Set((await backend.listUploads(Date.now() + LATER)).map(({ id }) => id));

export const uploadCases: readonly StorageCase[] = [
  uploadCase("an upload goes on at its checkpoint, in sittings of any size", async (context, id) => {
    let checkpoint: UploadCheckpoint | undefined;
    const bytes = pattern(17 * MIB + 11);
    let at = 0;
    for (const size of [1, 70_000, 5 * MIB, 6 * MIB + 1, 3, MIB, bytes.length]) {
      const piece = bytes.subarray(at, at + size);
      checkpoint = await sit(context.backend, id, checkpoint, piece.subarray(0, 10), piece.subarray(10));
      at += piece.length;
      checkEqual(checkpoint.offset, at, "offset");
    }
    await checkWhole(context, id, checkpoint as UploadCheckpoint, bytes);
  }),
  uploadCase(
    "bytes_written counts those of the checkpoint, and a sync without news changes nothing",
    async ({ backend }, id) => {
      const first = await sit(backend, id, undefined, pattern(10));
      const upload = await backend.openUpload(id, { checkpoint: first });
      checkEqual([upload.bytes_written, upload.checkpoint.offset], [10, 10], "after opening");
      await upload.write(pattern(5));
      checkEqual([upload.bytes_written, upload.checkpoint.offset], [15, 10], "after 5 bytes more");
      checkEqual((await upload.sync()).offset, 15, "offset");
      checkEqual(await upload.sync(), upload.checkpoint, "a second sync");
      await upload.close();
      await upload.close();
      await checkRejects(() => upload.write(pattern(1)), "invalid_argument", "write after close");
    },
  ),
  uploadCase("a hundred small sittings are one object", async (context, id) => {
    let checkpoint: UploadCheckpoint | undefined;
    const pieces = Array.from({ length: 100 }, (_, i) => pattern(i * 37, i + 1));
    for (const piece of pieces) checkpoint = await sit(context.backend, id, checkpoint, piece);
    await checkWhole(context, id, checkpoint as UploadCheckpoint, concatBytes(pieces));
  }),
  uploadCase("writes may go on while a sync is under way", async (context, id) => {
    const pieces = Array.from({ length: 24 }, (_, i) => pattern(MIB - i * 1000, i + 1));
    const upload = await context.backend.openUpload(id);
    let syncing = upload.sync();
    for (const [i, piece] of pieces.entries()) {
      await upload.write(piece);
      if (i % 3 !== 0) continue;
      await syncing;
      syncing = upload.sync();
    }
    await syncing;
    const checkpoint = await upload.sync();
    await upload.settle(checkpoint);
    await upload.close();
    await checkWhole(context, id, checkpoint, concatBytes(pieces));
  }),
  uploadCase("an empty upload is an empty object", async (context, id) => {
    await checkWhole(context, id, await sit(context.backend, id, undefined), new Uint8Array(0));
  }),
  uploadCase("what was written after the checkpoint does not count", async (context, id) => {
    for (const size of [10, 6 * MIB]) {
      const upload = crypto.randomUUID();
      const first = await sit(context.backend, upload, undefined, pattern(size));
      await sitUnrecorded(context.backend, upload, first, pattern(size, 2));
      const handle = await context.backend.openUpload(upload, { checkpoint: first });
      await handle.write(pattern(7, 3));
      await handle.close(); // nor was this
      await checkWhole(context, upload, first, pattern(size));
      await forget(context.backend, upload);
    }
    const first = await sit(context.backend, id, undefined, pattern(6 * MIB));
    await sitUnrecorded(context.backend, id, first, pattern(200_000, 2));
    const second = await sit(context.backend, id, first, pattern(100_000, 3));
    await checkWhole(context, id, second, concatBytes([pattern(6 * MIB), pattern(100_000, 3)]));
  }),
  uploadCase("a holder that was overtaken changes no byte, however late it writes", async (context, id) => {
    const { backend } = context;
    const old = await backend.openUpload(id);
    const first = await add(old, pattern(6 * MIB));
    const late = async (seed: number) => {
      // It may be told so, or write where nobody looks.
      await old.write(pattern(6 * MIB, seed)).catch(() => {});
      await old.sync().catch(() => {});
    };
    const upload = await backend.openUpload(id, { checkpoint: first, contended: true });
    await upload.settle(upload.checkpoint);
    await late(90);
    const second = await add(upload, pattern(100_000, 2));
    await late(91);
    const third = await add(upload, pattern(6 * MIB, 3));
    await upload.close();
    await late(92);
    const wanted = concatBytes([pattern(6 * MIB), pattern(100_000, 2), pattern(6 * MIB, 3)]);
    checkEqual([second.offset, third.offset], [6 * MIB + 100_000, wanted.length], "offsets");
    const { key } = await checkWhole(context, id, third, wanted);
    await late(93);
    await old.close();
    checkBytes(await readAll(backend, key), wanted, "the object after the last late write");
  }),
  uploadCase("an upload is neither staged nor listed nor readable", async ({ backend }, id) => {
    const [keys, staged] = [await allKeys(backend), await stagedIds(backend)];
    const { state } = await sit(backend, id, undefined, pattern(6 * MIB));
    checkEqual(await allKeys(backend), keys, "listed objects");
    checkEqual([...(await stagedIds(backend))], [...staged], "staged objects");
    checkEqual(await backend.sealedUpload(id), undefined, "a sealed upload");
    for (const key of [id, `staging/${id}`, state, `staging/${state}`, `objects/${id}`]) {
      await checkRejects(() => readAll(backend, key), ["invalid_argument", "object_missing"], `read(${key})`);
    }
    await backend.discardStaged(id).catch(() => {});
    check((await openIds(backend)).has(id), "discardStaged() of its id leaves it alone");
  }),
  uploadCase("an upload is listed once, by age, and can be discarded, twice", async ({ backend }, id) => {
    const before = await openIds(backend);
    const first = await sit(backend, id, undefined, pattern(6 * MIB));
    const checkpoint = await sit(backend, id, first, pattern(100));
    const found = (await backend.listUploads(Date.now() + LATER)).filter((upload) => !before.has(upload.id));
    checkEqual(
      found.map((upload) => upload.id),
      [id],
      "ids",
    );
    const { size, modified_at } = found[0] as (typeof found)[0];
    check(size >= 6 * MIB + 100, `its size counts its bytes, found ${size}`);
    check(Math.abs(modified_at - Date.now()) < LATER, "modified_at is in ms since the epoch, about now");
    check(!(await backend.listUploads(Date.now() - LATER)).some((one) => one.id === id), "not among yesterday's");
    await backend.discardUpload(id);
    await backend.discardUpload(id);
    check(!(await openIds(backend)).has(id), "it is gone once discarded");
    await checkRejects(
      async () => await (await backend.openUpload(id, { checkpoint })).seal(),
      "object_missing",
      "going on with a discarded upload",
    );
  }),
  uploadCase("a handle of a discarded upload promises nothing any more", async ({ backend }, id) => {
    const upload = await backend.openUpload(id);
    await add(upload, pattern(100));
    await backend.discardUpload(id);
    await checkRejects(() => add(upload, pattern(100)), "object_missing", "write and sync");
    await upload.close();
    // Also one that was opened before, and writes for the first time.
    const other = crypto.randomUUID();
    const checkpoint = await sit(backend, other, undefined, pattern(100));
    const late = await backend.openUpload(other, { checkpoint });
    await backend.discardUpload(other);
    await checkRejects(() => add(late, pattern(100)), "object_missing", "a first write and sync");
    await late.close();
  }),
  uploadCase(
    "sealing and publishing may be repeated by a later handle, and the object outlives the upload",
    async (context, id) => {
      const { backend } = context;
      const bytes = pattern(11 * MIB);
      const checkpoint = await sit(backend, id, undefined, bytes);
      const address = context.newAddress();
      const keys = new Set<string>();
      for (const publishes of [0, 1, 2]) {
        const upload = await backend.openUpload(id, { checkpoint });
        checkEqual(upload.checkpoint.offset, bytes.length, "offset");
        const sealed = await upload.seal();
        checkBytes(await bytesOf(sealed), bytes, "sealed bytes");
        for (let i = 0; i < publishes; i++) keys.add(context.track(await sealed.publish(address, 0)).key);
        await upload.close();
      }
      checkEqual(keys.size, 1, "keys");
      await backend.discardUpload(id);
      for (const key of keys) checkBytes(await readAll(backend, key), bytes, "published bytes");
    },
  ),
  uploadCase("a sealed upload that nobody wants can be taken away", async ({ backend }, id) => {
    const before = await allKeys(backend);
    const upload = await backend.openUpload(id);
    await add(upload, pattern(6 * MIB));
    await upload.seal();
    await upload.close();
    const sealed = await backend.sealedUpload(id);
    checkEqual((await allKeys(backend)).length, before.length + (sealed === undefined ? 0 : 1), "objects once sealed");
    await forget(backend, id);
    checkEqual(await allKeys(backend), before, "objects at the end");
    check(!(await openIds(backend)).has(id), "the upload is gone");
  }),
  uploadCase(
    "an upload goes on after closing the store and opening it again",
    async (context, id) => {
      const first = await sit(context.backend, id, undefined, pattern(6 * MIB));
      const torn = await context.backend.openUpload(id, { checkpoint: first });
      await torn.write(pattern(3 * MIB, 9));
      await context.reopen();
      const second = await sit(context.backend, id, first, pattern(1000, 2));
      await context.reopen();
      await checkWhole(context, id, second, concatBytes([pattern(6 * MIB), pattern(1000, 2)]));
    },
    ({ durable }) => (durable ? undefined : "durable is not claimed: nothing outlives the process"),
  ),
  {
    name: "uploads open at the same time keep their bytes apart",
    async run(context) {
      const { backend } = context;
      const ids = Array.from({ length: 8 }, () => crypto.randomUUID());
      const uploads = await Promise.all(ids.map((id) => backend.openUpload(id)));
      for (let round = 0; round < 4; round++) {
        await Promise.all(uploads.map((upload, i) => add(upload, pattern(60_000 + i, i * 10 + round))));
      }
      for (const [i, upload] of uploads.entries()) {
        await upload.close();
        const wanted = Array.from({ length: 4 }, (_, round) => pattern(60_000 + i, i * 10 + round));
        await checkWhole(context, ids[i] as string, upload.checkpoint, concatBytes(wanted));
        await forget(backend, ids[i] as string);
      }
    },
  },
  {
    name: "a made-up id of an upload is refused and harms nothing",
    async run({ backend }) {
      for (const id of ["", "..", "../x", "/etc/passwd", "x\0y", `${crypto.randomUUID()}/..`]) {
        const shown = JSON.stringify(id);
        await checkRejects(() => backend.openUpload(id), "invalid_argument", `openUpload(${shown})`);
        await checkRejects(() => backend.discardUpload(id), "invalid_argument", `discardUpload(${shown})`);
      }
      const checkpoint = { offset: 1, state: "../../etc/passwd" };
      await checkRejects(
        () => backend.openUpload(crypto.randomUUID(), { checkpoint }),
        ["object_missing", "invalid_argument"],
        "openUpload() with a made-up checkpoint",
      );
    },
  },
];

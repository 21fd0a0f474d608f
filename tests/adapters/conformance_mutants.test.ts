/** The kit is worth something only if it can fail: each backend here breaks one promise. */
import { afterAll, describe, expect, test } from "bun:test";
import { renderReport, runStorageCase, runStorageConformance, storageCases } from "../../adapters/conformance/mod.ts";
import { createFsStorage } from "../../adapters/storage-fs/mod.ts";
import { createMemoryStorage } from "../../adapters/storage-memory/mod.ts";
import {
  RegistryError,
  type StagedObject,
  type StagedUpload,
  type StorageBackend,
  type StoredObject,
} from "../../core/spi/mod.ts";
import { temporaryDirectory } from "../support/storage_temporary.ts";

const directory = temporaryDirectory("mutants");
afterAll(directory.remove);

/** A backend that differs from a sound one in what `change` returns. */
function mutant(change: (sound: StorageBackend) => Partial<StorageBackend>): () => StorageBackend {
  return () => {
    const sound = createMemoryStorage();
    return { ...sound, ...change(sound) };
  };
}

function mutantStaged(change: (sound: StagedObject) => Partial<StagedObject>): () => StorageBackend {
  return mutant((backend) => ({
    async stage() {
      const sound = await backend.stage();
      // Not a spread, which would freeze `bytes_written` at its present value.
      return Object.create(sound, Object.getOwnPropertyDescriptors(change(sound))) as StagedObject;
    },
  }));
}

/** `mode` matters: an object store seals under a key. */
function mutantUpload(
  change: (sound: StagedUpload) => Partial<StagedUpload>,
  mode: "simple" | "object-store" = "simple",
): () => StorageBackend {
  return () => {
    const backend = createMemoryStorage({ mode });
    return {
      ...backend,
      async openUpload(id, options) {
        const sound = await backend.openUpload(id, options);
        return Object.create(sound, Object.getOwnPropertyDescriptors(change(sound))) as StagedUpload;
      },
    };
  };
}

const never: Promise<never> = new Promise(() => {});

/** What is broken, the case that must notice, the backend. */
const mutants: readonly (readonly [string, string, () => StorageBackend])[] = [
  [
    "delete does nothing",
    "an object can be published, looked at, read, listed and deleted",
    mutant(() => ({ delete: async () => {} })),
  ],
  [
    "deleting what is missing fails",
    "deleting what does not exist is success, for a missing key and twice",
    mutant((sound) => ({
      async delete(key) {
        if ((await sound.stat(key)) === undefined) throw new RegistryError("object_missing", "not there");
        await sound.delete(key);
      },
    })),
  ],
  [
    "ranges end a byte too late",
    "ranges give exactly their bytes, at every edge",
    mutant((sound) => ({
      read: (key, range) =>
        sound.read(key, range && range.end > 0 ? { start: range.start, end: range.end + 1 } : range),
    })),
  ],
  [
    "ranges are ignored",
    "readers of one object at the same time do not disturb each other",
    mutant((sound) => ({ read: (key) => sound.read(key) })),
  ],
  [
    "a range beyond the end is cut to fit",
    "a range outside of the object is refused",
    mutant((sound) => ({
      async *read(key, range) {
        const size = (await sound.stat(key))?.size ?? 0;
        yield* sound.read(key, range && { start: range.start, end: Math.min(range.end, size) });
      },
    })),
  ],
  [
    "a missing object reads as empty",
    "a missing object is missing for whole reads, ranges and stat",
    mutant((sound) => ({
      async *read(key, range) {
        if ((await sound.stat(key)) !== undefined) yield* sound.read(key, range);
      },
    })),
  ],
  [
    "reads end early without an error",
    "an object deleted under a reader ends whole or with an error, never short",
    mutant((sound) => ({
      async *read(key, range) {
        let left = 2_000_000;
        for await (const chunk of sound.read(key, range)) {
          yield chunk.subarray(0, left);
          left -= chunk.length;
          if (left <= 0) return;
        }
      },
    })),
  ],
  [
    "abort leaves the staged bytes",
    "abort leaves nothing behind, at any point, and may be repeated",
    mutantStaged(() => ({ abort: async () => {} })),
  ],
  [
    "an aborted object can still be published",
    "an ended object takes no more bytes and cannot be published",
    mutantStaged((sound) => {
      let aborted = false;
      return {
        async abort() {
          aborted = true;
        },
        publish: (address, generation) =>
          aborted
            ? Promise.resolve({ backend_id: "memory", key: "x", offset: 0, length: 0, layout: "whole" as const })
            : sound.publish(address, generation),
      };
    }),
  ],
  [
    "generations are ignored",
    "generations of one address are separate objects",
    mutantStaged((sound) => ({ publish: (address) => sound.publish(address, 0) })),
  ],
  [
    "the last small write is lost",
    "many small writes keep their order",
    mutantStaged((sound) => ({ write: async (chunk) => (chunk.length === 1 ? undefined : sound.write(chunk)) })),
  ],
  [
    "the caller's array is kept",
    "a written array may be reused at once",
    mutantStaged((sound) => ({
      write: (chunk) => sound.write(Object.assign(chunk.subarray(), { slice: () => chunk })),
    })),
  ],
  ["bytes_written stays zero", "bytes_written counts what was accepted", mutantStaged(() => ({ bytes_written: 0 }))],
  [
    "keys are not checked",
    "a malformed key is refused by read, stat and delete",
    mutant((sound) => ({
      async stat(key) {
        return sound.stat(key).catch(() => undefined);
      },
    })),
  ],
  [
    "list goes backwards",
    "list gives every object once, in byte order, whatever the page size",
    mutant((sound) => ({
      async list(page) {
        const found = await sound.list(page);
        return { ...found, items: found.items.toReversed() };
      },
    })),
  ],
  [
    "list repeats the object of the cursor",
    "list gives every object once, in byte order, whatever the page size",
    mutant((sound) => {
      let last: StoredObject | undefined;
      return {
        async list(page) {
          const found = await sound.list(page);
          const items = page.cursor !== undefined && last ? [last, ...found.items] : found.items;
          last = found.items.at(-1);
          return { ...found, items };
        },
      };
    }),
  ],
  [
    "list does not say whose a key is",
    "a key that is made from address and generation is listed with both",
    mutant((sound) => ({
      async list(page) {
        const found = await sound.list(page);
        const items = found.items.map(({ key, size, modified_at }) => ({ key, size, modified_at }));
        return { ...found, items };
      },
    })),
  ],
  [
    "list ends after its first page",
    "a page holds at most its limit, and a cursor means that there is more",
    mutant((sound) => ({ list: async (page) => ({ items: (await sound.list(page)).items }) })),
  ],
  [
    "failures are bare errors",
    "a malformed key is refused by read, stat and delete",
    mutant((sound) => ({
      async stat(key) {
        return sound.stat(key).catch(() => {
          throw new Error("ENOENT");
        });
      },
    })),
  ],
  [
    "health says no",
    "health answers with sane figures",
    mutant(() => ({ health: async () => ({ ok: false, writable: false, detail: "on fire" }) })),
  ],
  [
    "durable is claimed by a store that forgets",
    "objects are still there after closing and opening again",
    mutant((sound) => ({ capabilities: { ...sound.capabilities, durable: true } })),
  ],
  [
    "conditional_put is claimed by a store that replaces",
    "with conditional_put the first of two objects under one key stays",
    () => {
      const sound = createFsStorage({ root: `${directory.path}/replaces` });
      return { ...sound, capabilities: { ...sound.capabilities, conditional_put: true } };
    },
  ],
  [
    "close fails",
    "an empty object is an object",
    mutant(() => ({ close: () => Promise.reject(new Error("still busy")) })),
  ],
  [
    "staged objects vanish from discardStaged()",
    "a leftover is listed by age and can be discarded, twice",
    mutant(() => ({ discardStaged: async () => {} })),
  ],
  [
    "an upload forgets the bytes of its checkpoint",
    "an upload goes on at its checkpoint, in sittings of any size",
    mutant((sound) => ({ openUpload: (id) => sound.openUpload(id) })),
  ],
  [
    "what was never recorded counts",
    "what was written after the checkpoint does not count",
    mutant((sound) => {
      // One writer for ever, as a file would be that is opened for appending and never cut.
      const open = new Map<string, StagedUpload>();
      return {
        async openUpload(id, options) {
          const upload = open.get(id) ?? (await sound.openUpload(id, options));
          open.set(id, upload);
          return Object.create(upload, { close: { value: async () => {} } }) as StagedUpload;
        },
      };
    }),
  ],
  [
    "two holders append to one file",
    "a holder that was overtaken changes no byte, however late it writes",
    () => {
      const sound = createFsStorage({ root: `${directory.path}/shared` });
      return {
        ...sound,
        openUpload: (id, options) =>
          sound.openUpload(id, options?.checkpoint ? { checkpoint: options.checkpoint } : {}),
      };
    },
  ],
  [
    "publishing uses the upload up",
    "sealing and publishing may be repeated by a later handle, and the object outlives the upload",
    mutant((sound) => ({
      async openUpload(id, options) {
        const upload = await sound.openUpload(id, options);
        const seal = async () => {
          const sealed = await upload.seal();
          return {
            ...sealed,
            async publish(...given: Parameters<typeof sealed.publish>) {
              const location = await sealed.publish(...given);
              await sound.discardUpload(id);
              return location;
            },
          };
        };
        return Object.create(upload, { seal: { value: seal } }) as StagedUpload;
      },
    })),
  ],
  [
    "discarding an upload takes its object away",
    "sealing and publishing may be repeated by a later handle, and the object outlives the upload",
    () => {
      const sound = createMemoryStorage({ mode: "object-store" });
      return {
        ...sound,
        async discardUpload(id) {
          await sound.discardUpload(id);
          const sealed = await sound.sealedUpload(id);
          if (sealed !== undefined) await sound.delete(sealed.key);
        },
      };
    },
  ],
  [
    "a sync promises without looking",
    "a handle of a discarded upload promises nothing any more",
    mutantUpload((sound) => ({
      write: (chunk) => sound.write(chunk).catch(() => {}),
      sync: () => sound.sync().catch(() => ({ ...sound.checkpoint, offset: sound.bytes_written + 100 })),
    })),
  ],
  [
    "settling takes away the tail that counts",
    "an upload goes on at its checkpoint, in sittings of any size",
    mutantUpload(
      (sound) => ({
        async settle() {
          await sound.write(new Uint8Array(1));
          await sound.settle(await sound.sync());
        },
      }),
      "object-store",
    ),
  ],
  [
    "uploads are listed among what is staged",
    "an upload is neither staged nor listed nor readable",
    mutant((sound) => ({
      listStaged: async (before) => [...(await sound.listStaged(before)), ...(await sound.listUploads(before))],
    })),
  ],
  [
    "uploads vanish from discardUpload()",
    "an upload is listed once, by age, and can be discarded, twice",
    mutant(() => ({ discardUpload: async () => {} })),
  ],
];

function caseNamed(name: string) {
  const found = storageCases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`The kit has no case "${name}"`);
  return found;
}

describe("storage kit: a backend is found out when", () => {
  for (const [name, caughtBy, factory] of mutants) {
    test(name, async () => {
      expect(await runStorageCase(caseNamed(caughtBy), factory, 5_000)).toMatchObject({ outcome: "failed" });
    });
  }
});

test("the decorators alone break nothing", async () => {
  for (const sound of [mutant(() => ({})), mutantStaged(() => ({})), mutantUpload(() => ({}))]) {
    const report = await runStorageConformance(sound);
    expect(report.results.filter(({ outcome }) => outcome === "failed")).toEqual([]);
    expect(report.ok).toBe(true);
  }
}, 120_000);

test("a case that never ends is a failure that says so", async () => {
  const hanging = mutant(() => ({ health: () => never }));
  const result = await runStorageCase(caseNamed("health answers with sane figures"), hanging, 20);
  expect(result).toMatchObject({ outcome: "failed", reason: "no end after 20 ms" });
});

test("a report counts, names its subject and turns into text and JSON", async () => {
  const seen: string[] = [];
  const broken = mutant(() => ({ health: async () => ({ ok: false, writable: false, detail: "on fire" }) }));
  const report = await runStorageConformance(broken, { onResult: ({ name }) => seen.push(name) });
  expect(report).toMatchObject({ kit: "storage", subject: "memory backend memory", ok: false, skipped: 3 });
  expect(report.passed + report.failed + report.skipped).toBe(storageCases.length);
  expect(seen).toEqual(storageCases.map(({ name }) => name));
  expect(renderReport(report)).toContain("on fire");
  expect(renderReport(report)).toContain("does NOT keep its promises");
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
}, 300_000);

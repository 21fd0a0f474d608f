/** The registry behind a server: the SDK's operations as use cases, with the library's answers and errors. */
import {
  type Caller,
  type CreatePackageInput,
  checkPackageRef,
  checkPath,
  checkSymlink,
  type ListFilesQuery,
  type Package,
  type PackageEntry,
  type PageOf,
} from "../../core/mod.ts";
import type { Door } from "../door.ts";
import { ingestFile } from "./ingest_file.ts";
import type { Server } from "./server.ts";

/** What would not survive in a URL (an empty name, `..`) is checked here, by the rules of the library. */
export function createRemoteRegistry(server: Server): Door {
  const { api } = server;
  return {
    async createPackage(caller, input, options) {
      // So that asking again after a broken connection makes no second one.
      const key = options?.idempotencyKey ?? crypto.randomUUID();
      const request = { body: bodyOf(input), headers: { "idempotency-key": key } };
      return (await server.ask(caller, (asked) => api.createPackage({ ...asked, ...request }))).data as Package;
    },
    ingestFile: (caller, input) => {
      checkPath(input.path);
      return ingestFile(server, caller, input);
    },
    async addDirectory(caller, { packageId, path }) {
      checkPath(path);
      return await addEntry(server, caller, { packageId, path, kind: "directory", body: "" });
    },
    async addSymlink(caller, { packageId, path, target }) {
      checkSymlink(path, target);
      return await addEntry(server, caller, { packageId, path, kind: "symlink", body: target });
    },
    async finalizePackage(caller, packageId) {
      checkPackageRef(packageId);
      const path = { id: packageId };
      return (await server.ask(caller, (asked) => api.finalizePackage({ ...asked, path }))).data as Package;
    },
    async abandonPackage(caller, { packageId, reason }) {
      checkPackageRef(packageId);
      const request = { path: { id: packageId }, body: { reason } };
      await server.ask(caller, (asked) => api.abandonPackage({ ...asked, ...request }), { again: false });
    },
    async getPackage(caller, ref) {
      checkPackageRef(ref);
      return (await server.ask(caller, (asked) => api.getPackage({ ...asked, path: { id: ref } }))).data as Package;
    },
    async listFiles(caller, ref, query = {}) {
      checkPackageRef(ref);
      const request = { path: { id: ref }, query: query satisfies ListFilesQuery };
      const { data } = await server.ask(caller, (asked) => api.listFiles({ ...asked, ...request }));
      return pageOf(data as { items: PackageEntry[]; next_cursor: string | null });
    },
  };
}

function pageOf<T>({ items, next_cursor }: { items: readonly T[]; next_cursor: string | null }): PageOf<T> {
  return next_cursor === null ? { items } : { items, cursor: next_cursor };
}

function bodyOf({ name, version, retentionClass, metadata, metadataSchema, externalRefs }: CreatePackageInput) {
  return {
    name,
    retention_class: retentionClass,
    ...(version !== undefined && { version }),
    ...(metadata !== undefined && { metadata }),
    ...(metadataSchema !== undefined && { metadata_schema: metadataSchema }),
    ...(externalRefs !== undefined && { external_refs: externalRefs.map((ref) => ({ ...ref })) }),
  };
}

interface NewEntry {
  readonly packageId: string;
  readonly path: string;
  readonly kind: "directory" | "symlink";
  readonly body: string;
}

async function addEntry(server: Server, caller: Caller, entry: NewEntry): Promise<PackageEntry> {
  const { packageId, path, kind, body } = entry;
  checkPackageRef(packageId);
  const request = { path: { id: packageId, path }, query: { kind }, body: new Blob([body]) };
  const call = (asked: { signal?: AbortSignal }) => server.api.putFile({ ...asked, ...request });
  // Asked again, it would be refused because of itself.
  return (await server.ask(caller, call, { again: false })).data as PackageEntry;
}

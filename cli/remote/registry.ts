/** The registry behind a server: the SDK's operations as use cases, with the library's answers and errors. */
import {
  type CreatePackageInput,
  checkPackageRef,
  type DoctorReport,
  decodeManifest,
  type FinalizedPackage,
  type FixReport,
  type ImportedPackage,
  type ListFilesQuery,
  type ListPackagesQuery,
  manifestDigest,
  manifestToJcs,
  type Package,
  type PackageEntry,
  type PageOf,
  RegistryError,
  type VerifyReport,
} from "../../core/mod.ts";
import type { Door } from "../door.ts";
import { head, tailEvents, verifyEvents } from "./events.ts";
import { createRemoteImages } from "./images.ts";
import { openFile } from "./open_file.ts";
import { repositoriesBehind } from "./repositories.ts";
import { type Asked, answer, type Server } from "./server.ts";
import { tagRulesBehind } from "./tag_rules.ts";

/** What would not survive in a URL (an empty name, `..`) is checked here, by the rules of the library. */
export function createRemoteRegistry(server: Server): Door {
  const { api } = server;
  return {
    async createPackage(caller, input, options) {
      // So that asking again after a broken connection makes no second one.
      const key = options?.idempotencyKey ?? crypto.randomUUID();
      const request = { body: bodyOf(input), headers: { "idempotency-key": key } };
      return answer<Package>(server, await server.ask(caller, (asked) => api.createPackage({ ...asked, ...request })));
    },
    async importOci(caller, { package: made, allowMissing: allow_missing = false, ...named }, options) {
      const key = options?.idempotencyKey ?? crypto.randomUUID();
      const request = { body: { ...named, allow_missing, ...bodyOf(made) }, headers: { "idempotency-key": key } };
      const call = (asked: Asked) => api.importOci({ ...asked, ...request });
      return answer<ImportedPackage>(server, await server.ask(caller, call, { long: true }));
    },
    async finalizePackage(caller, packageId) {
      checkPackageRef(packageId);
      const path = { id: packageId };
      return answer<FinalizedPackage>(
        server,
        await server.ask(caller, (asked) => api.finalizePackage({ ...asked, path })),
      );
    },
    async abandonPackage(caller, { packageId, reason }) {
      checkPackageRef(packageId);
      const request = { path: { id: packageId }, body: { reason } };
      await server.ask(caller, (asked) => api.abandonPackage({ ...asked, ...request }));
    },
    async getPackage(caller, ref) {
      checkPackageRef(ref);
      return answer<Package>(
        server,
        await server.ask(caller, (asked) => api.getPackage({ ...asked, path: { id: ref } })),
      );
    },
    async listPackages(caller, query = {}) {
      const page = await server.ask(caller, (asked) => api.listPackages({ ...asked, query: filterOf(query) }));
      return pageOf(answer<Page<Package>>(server, page));
    },
    async listFiles(caller, ref, query = {}) {
      checkPackageRef(ref);
      const request = { path: { id: ref }, query: query satisfies ListFilesQuery };
      const page = await server.ask(caller, (asked) => api.listFiles({ ...asked, ...request }));
      return pageOf(answer<Page<PackageEntry>>(server, page));
    },
    openFile: async (caller, entry) => openFile(server, caller, entry),
    async getManifestBytes(caller, ref, form) {
      const { package_id: id, manifest_digest: digest } = await this.getPackage(caller, ref);
      const request = { path: { id }, headers: { accept: "application/cbor" }, parseAs: "arrayBuffer" as const };
      const { data } = await server.ask(caller, (asked) => api.getManifest({ ...asked, ...request }), {
        long: true,
      });
      const bytes = new Uint8Array(data as unknown as ArrayBuffer);
      if (manifestDigest(bytes, server.hasher) !== digest) {
        throw new RegistryError(
          "object_corrupt",
          `The manifest that ${server.url} sent has another digest than the package`,
          { package_id: id, manifest_digest: digest },
        );
      }
      return form === "cbor" ? bytes : manifestToJcs(decodeManifest(bytes));
    },
    async verifyPackage(caller, ref, onProgress) {
      checkPackageRef(ref);
      const call = (asked: Asked) => api.verifyPackage({ ...asked, path: { id: ref } });
      const report = answer<VerifyReport>(server, await server.ask(caller, call, { long: true }));
      onProgress?.(report);
      return report;
    },
    oci: { ...createRemoteImages(server), ...repositoriesBehind(server), ...tagRulesBehind(server) },
    tailEvents: (caller, options) => tailEvents(server, caller, options),
    head: (caller) => head(server, caller),
    verifyEvents: (caller, options) => verifyEvents(server, caller, options),
    async inspect(caller, { grace } = {}) {
      const request = { query: graceOf(grace) };
      const call = (asked: Asked) => api.inspectStore({ ...asked, ...request });
      return answer<DoctorReport>(server, await server.ask(caller, call, { long: true }));
    },
    async fix(caller, { grace }) {
      const request = { query: graceOf(grace) };
      const call = (asked: Asked) => api.fixStore({ ...asked, ...request });
      return answer<FixReport>(server, await server.ask(caller, call, { again: false, long: true }));
    },
  };
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

function pageOf<T>({ items, next_cursor }: Page<T>): PageOf<T> {
  return next_cursor === null ? { items } : { items, cursor: next_cursor };
}

/** Milliseconds, as seconds. */
const graceOf = (grace: number | undefined) => (grace === undefined ? {} : { grace: Math.ceil(grace / 1000) });

function filterOf(query: ListPackagesQuery) {
  const { namePrefix, retentionClass, externalRef, createdAfter, createdBefore, metadata, ...same } = query;
  return {
    ...same,
    ...(namePrefix !== undefined && { name_prefix: namePrefix }),
    ...(retentionClass !== undefined && { retention_class: retentionClass }),
    ...(externalRef !== undefined && { external_system: externalRef.system }),
    ...(externalRef?.id !== undefined && { external_id: externalRef.id }),
    ...(createdAfter !== undefined && { created_after: createdAfter }),
    ...(createdBefore !== undefined && { created_before: createdBefore }),
    ...(metadata !== undefined && { metadata: metadata.map(({ key, value }) => `${key}=${value}`) }),
  };
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

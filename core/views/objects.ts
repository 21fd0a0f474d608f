import { type ContentAddress, digestOf } from "../identity/content_address.ts";
import type { StorageLocation } from "../spi/storage.ts";
import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { selectByKeys } from "./statements.ts";
import type { ObjectsTable, StorageLocationsTable } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

const objects = viewTable(
  "objects",
  [
    "content_address",
    "size",
    "digest_algorithm",
    "digest_primary",
    "digest_sha256",
    "state",
    "generation",
    "stored_at",
  ],
  ["content_address"],
);
const digests = viewTable("object_digests", ["algorithm", "hex", "content_address"], ["algorithm", "hex"]);
const locations = viewTable(
  "storage_locations",
  [
    "content_address",
    "backend_id",
    "storage_key",
    "byte_offset",
    "byte_length",
    "layout",
    "generation",
    "retrieval_tier",
    "restore_status",
    "stored_at",
  ],
  ["content_address", "backend_id", "storage_key"],
);

export const objectsView: View = {
  name: "objects",
  version: 1,
  tables: [objects, digests, locations],
  async reduce(trx, events) {
    const objectRows = new RowFold(objects);
    const digestRows = new RowFold(digests);
    const locationRows = new RowFold(locations);
    const flush = async () => {
      await objectRows.flush(trx);
      await digestRows.flush(trx);
      await locationRows.flush(trx);
    };
    for (const event of events) {
      switch (event.type) {
        case "v1.object.stored": {
          const address = event.subject as ContentAddress;
          const primary = digestOf(address);
          const { size, generation, location } = event.payload;
          objectRows.put({
            content_address: address,
            size,
            digest_algorithm: primary.algorithm,
            digest_primary: primary.hex,
            digest_sha256: event.payload.digests.sha256,
            state: "live",
            generation,
            stored_at: event.occurred_at,
          });
          digestRows.put({ algorithm: primary.algorithm, hex: primary.hex, content_address: address });
          for (const [algorithm, hex] of Object.entries(event.payload.digests)) {
            digestRows.put({ algorithm, hex, content_address: address });
          }
          locationRows.put(locationRow(address, location, generation, event.occurred_at));
          break;
        }
        // Both are rare; they change rows that may be in this batch, so what is pending is written first.
        case "v1.object.damage_found":
          await flush();
          await trx
            .updateTable("objects")
            .set({ state: "quarantined" })
            .where("content_address", "=", event.subject)
            .execute();
          break;
        case "v1.object.restored": {
          await flush();
          const { location, generation } = event.payload;
          await trx
            .updateTable("objects")
            .set({ state: "live", generation })
            .where("content_address", "=", event.subject)
            .execute();
          await trx
            .deleteFrom("storage_locations")
            .where("content_address", "=", event.subject)
            .where("backend_id", "=", location.backend_id)
            .execute();
          locationRows.put(locationRow(event.subject, location, generation, event.occurred_at));
          break;
        }
      }
    }
    await flush();
  },
};

function locationRow(
  address: string,
  location: StorageLocation,
  generation: number,
  storedAt: string,
): StorageLocationsTable {
  return {
    content_address: address,
    backend_id: location.backend_id,
    storage_key: location.key,
    byte_offset: location.offset,
    byte_length: location.length,
    layout: location.layout,
    generation,
    retrieval_tier: "hot",
    restore_status: null,
    stored_at: storedAt,
  };
}

export interface ObjectRecord extends ObjectsTable {
  /** Where the bytes are, the newest generation first. */
  readonly locations: readonly StorageLocationsTable[];
}

/** What `locationOf()` needs of a row, and what copies are ordered by. */
export const LOCATION_COLUMNS = [
  "backend_id",
  "storage_key",
  "byte_offset",
  "byte_length",
  "layout",
  "generation",
] as const;

/** The newest copy first; equal ones in an order of their own. */
export const newestFirst = (
  a: Pick<StorageLocationsTable, "generation" | "storage_key">,
  b: Pick<StorageLocationsTable, "generation" | "storage_key">,
): number => b.generation - a.generation || (a.storage_key < b.storage_key ? -1 : 1);

export function locationOf(
  row: Pick<StorageLocationsTable, "backend_id" | "storage_key" | "byte_offset" | "byte_length" | "layout">,
): StorageLocation {
  return {
    backend_id: row.backend_id,
    key: row.storage_key,
    offset: row.byte_offset,
    length: row.byte_length,
    layout: row.layout as StorageLocation["layout"],
  };
}

export const objectByAddress: Loader<string, ObjectRecord> = {
  name: "object",
  keyOf: factKeys.object,
  async load(db, addresses) {
    const keys = addresses.map((a) => [a]);
    const found = new Map<string, ObjectsTable & { locations: StorageLocationsTable[] }>();
    for (const row of await selectByKeys(db, "objects", objects.columns, ["content_address"], keys)) {
      found.set(factKeys.object(row.content_address), { ...row, locations: [] });
    }
    if (found.size === 0) return found;
    const stored = [...found.values()].map((row) => [row.content_address]);
    for (const row of await selectByKeys(db, "storage_locations", locations.columns, ["content_address"], stored)) {
      found.get(factKeys.object(row.content_address))?.locations.push(row);
    }
    for (const record of found.values()) {
      record.locations.sort(newestFirst);
    }
    return found;
  },
};

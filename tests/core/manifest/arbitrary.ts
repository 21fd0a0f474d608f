/** Arbitrary valid manifests. */
import fc from "fast-check";
import { compareUtf8 } from "../../../core/base/bytes.ts";
import type { CborMap } from "../../../core/base/cbor.ts";
import type { ContentAddress } from "../../../core/identity/mod.ts";
import type { Manifest, ManifestEntry, StorageReceipt } from "../../../core/manifest/mod.ts";
import { cborValue } from "../base/values.ts";

const text = fc.string({ unit: "binary", maxLength: 20 });
const textOrNull = fc.option(text, { nil: null });
const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const address = hex(64).map((digits) => `blake3:${digits}` as ContentAddress);
const size = fc.maxSafeNat();
const time = fc
  .date({ min: new Date("0000-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })
  .map((date) => date.toISOString());
const metadata = fc
  .array(fc.tuple(text, cborValue), { maxLength: 4 })
  .map((entries) => Object.fromEntries(entries) as CborMap);

const entry: fc.Arbitrary<ManifestEntry> = fc.oneof(
  fc.record({
    kind: fc.constant("file" as const),
    path: text,
    content_address: address,
    size,
    digests: fc.record({ sha256: hex(64), sha512: hex(128) }, { requiredKeys: ["sha256"], noNullPrototype: true }),
    executable: fc.boolean(),
    media_type: textOrNull,
  }),
  fc.record({ kind: fc.constant("directory" as const), path: text }),
  fc.record({ kind: fc.constant("symlink" as const), path: text, target: text }),
);

const receipt: fc.Arbitrary<StorageReceipt> = fc.record({
  backend_id: text,
  content_address: address,
  size,
  stored_at: time,
});

const byReceipt = (a: StorageReceipt, b: StorageReceipt) =>
  compareUtf8(a.content_address, b.content_address) || compareUtf8(a.backend_id, b.backend_id);

export const manifest: fc.Arbitrary<Manifest> = fc.record({
  manifest_version: fc.constant(1 as const),
  package: fc.record({
    package_id: text,
    tenant: text,
    name: text,
    version: textOrNull,
    created_at: time,
    retention_class: text,
    metadata,
    metadata_schema: textOrNull,
    external_refs: fc.array(fc.record({ system: text, id: text, url: textOrNull }), { maxLength: 3 }),
  }),
  files: fc
    .uniqueArray(entry, { selector: ({ path }) => path, maxLength: 8 })
    .map((entries) => entries.toSorted((a, b) => compareUtf8(a.path, b.path))),
  storage_receipts: fc
    .uniqueArray(receipt, { comparator: (a, b) => byReceipt(a, b) === 0, maxLength: 6 })
    .map((receipts) => receipts.toSorted(byReceipt)),
  retention_summary: fc.record({
    retention_class: text,
    mode: fc.constantFrom("none" as const, "governance" as const, "compliance" as const),
    expires_at: fc.option(time, { nil: null }),
  }),
  provenance: fc.record({ created_by: text, finalized_by: text, finalized_at: time }),
});

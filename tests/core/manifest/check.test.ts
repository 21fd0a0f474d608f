import { describe, expect, test } from "bun:test";
import { fromHex } from "../../../core/base/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../../core/base/cbor.ts";
import { decodeManifest, encodeManifest, manifestToJcs } from "../../../core/manifest/mod.ts";
import golden from "../../vectors/manifest/typical.json" with { type: "json" };
import { codeOf } from "../base/values.ts";

const typical = fromHex(golden.cbor);

// biome-ignore lint/suspicious/noExplicitAny: wrong shapes on purpose
type Loose = any;

/** What both directions say to the typical manifest after `change`. */
function verdict(change: (manifest: Loose) => void): string {
  const changed = decodeCbor(typical) as Loose;
  change(changed);
  const writing = codeOf(() => encodeManifest(changed));
  const reading = codeOf(() => decodeManifest(encodeCbor(changed as CborValue)));
  expect(reading).toBe(writing);
  expect(codeOf(() => manifestToJcs(changed))).toBe(writing);
  return writing;
}

describe("checkManifest(), in both directions", () => {
  test("refuses a version that it does not know, and says so", () => {
    expect(
      verdict((m) => {
        m.manifest_version = 2;
        m.news = true;
      }),
    ).toBe("unsupported");
    expect(
      verdict((m) => {
        m.manifest_version = 0;
      }),
    ).toBe("unsupported");
    expect(
      verdict((m) => {
        m.manifest_version = "1";
      }),
    ).toBe("invalid_argument");
    expect(
      verdict((m) => {
        delete m.manifest_version;
      }),
    ).toBe("invalid_argument");
  });

  test("refuses what is no map", () => {
    for (const value of [null, [], "manifest", 1, new Uint8Array(3)]) {
      expect(codeOf(() => decodeManifest(encodeCbor(value)))).toBe("invalid_argument");
    }
  });

  test("refuses every missing field and every unknown one, wherever it stands", () => {
    const places: readonly ((m: Loose) => Loose)[] = [
      (m) => m,
      (m) => m.package,
      (m) => m.package.external_refs[0],
      (m) => m.files.find((entry: Loose) => entry.kind === "file"),
      (m) => m.files.find((entry: Loose) => entry.kind === "directory"),
      (m) => m.files.find((entry: Loose) => entry.kind === "symlink"),
      (m) => m.storage_receipts[0],
      (m) => m.retention_summary,
      (m) => m.provenance,
    ];
    for (const place of places) {
      expect(
        verdict((m) => {
          place(m).extra = null;
        }),
      ).toBe("invalid_argument");
      for (const field of Object.keys(place(decodeCbor(typical)))) {
        expect(
          verdict((m) => {
            delete place(m)[field];
          }),
        ).toBe("invalid_argument");
      }
    }
  });

  test("refuses every field of another type", () => {
    const visit = (at: Loose, path: readonly (string | number)[], found: (readonly (string | number)[])[]) => {
      for (const key of Object.keys(at)) {
        const here = [...path, Array.isArray(at) ? Number(key) : key];
        if (here.join(".").startsWith("package.metadata.")) continue;
        found.push(here);
        if (typeof at[key] === "object" && at[key] !== null) visit(at[key], here, found);
      }
      return found;
    };
    const places = visit(decodeCbor(typical), [], []);
    expect(places.length).toBeGreaterThan(80);
    for (const place of places) {
      const last = place.at(-1) as string | number;
      expect([
        place,
        verdict((m) => {
          place.slice(0, -1).reduce((at, key) => at[key], m)[last] = 1.5;
        }),
      ]).toEqual([place, "invalid_argument"]);
    }
  });

  const REFUSED: readonly [string, (m: Loose) => void, string?][] = [
    ["entries out of order", (m) => m.files.reverse()],
    ["a path that stands twice", (m) => m.files.splice(1, 0, m.files[0])],
    ["receipts out of order", (m) => m.storage_receipts.reverse()],
    ["a receipt that stands twice", (m) => m.storage_receipts.push(m.storage_receipts.at(-1))],
    [
      "a fourth kind of entry",
      (m) => {
        m.files[0].kind = "device";
      },
    ],
    [
      "a kind from Object.prototype",
      (m) => {
        m.files[0].kind = "constructor";
      },
    ],
    [
      "an unknown retention mode",
      (m) => {
        m.retention_summary.mode = "legal";
      },
    ],
    [
      "a negative size",
      (m) => {
        m.storage_receipts[0].size = -1;
      },
    ],
    [
      "a size beyond 2^53",
      (m) => {
        m.storage_receipts[0].size = 2n ** 53n;
      },
    ],
    [
      "a time without milliseconds",
      (m) => {
        m.package.created_at = "2026-11-21T10:40:00Z";
      },
    ],
    [
      "a time with an offset",
      (m) => {
        m.package.created_at = "2026-11-21T10:40:00.000+00:00";
      },
    ],
    [
      "a day that does not exist",
      (m) => {
        m.package.created_at = "2026-02-30T10:40:00.000Z";
      },
    ],
    [
      "an hour that does not exist",
      (m) => {
        m.package.created_at = "2026-02-20T24:00:00.000Z";
      },
    ],
    [
      "an address in another algorithm",
      (m) => {
        m.storage_receipts[0].content_address = `sha256:${"0".repeat(64)}`;
      },
    ],
    [
      "an address in capitals",
      (m) => {
        m.storage_receipts[0].content_address = `blake3:${"A".repeat(64)}`;
      },
      "invalid_digest",
    ],
    [
      "the primary digest a second time",
      (m) => {
        m.files.at(-1).digests.blake3 = "0".repeat(64);
      },
    ],
    [
      "a digest in an unknown algorithm",
      (m) => {
        m.files.at(-1).digests.md5 = "0".repeat(32);
      },
    ],
    [
      "a digest of the wrong length",
      (m) => {
        m.files.at(-1).digests.sha256 = "0".repeat(63);
      },
      "invalid_digest",
    ],
    [
      "an entry without SHA-256",
      (m) => {
        m.files.at(-1).digests = { sha512: "0".repeat(128) };
      },
    ],
  ];
  for (const [what, change, code = "invalid_argument"] of REFUSED) {
    test(`refuses ${what}`, () => {
      expect(verdict(change)).toBe(code);
    });
  }

  test("names the place and what belongs there", () => {
    const changed = decodeCbor(typical) as Loose;
    changed.files[1].executable = "yes";
    expect(() => encodeManifest(changed)).toThrow("Not a manifest: files[1].executable must be true or false");
  });

  test("refuses a path that is not well-formed text", () => {
    const changed = decodeCbor(typical) as Loose;
    changed.files.at(-1).path = "zzz\ud800";
    expect(codeOf(() => encodeManifest(changed))).toBe("invalid_argument");
    expect(codeOf(() => manifestToJcs(changed))).toBe("invalid_argument");
  });
});

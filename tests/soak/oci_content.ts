/** What is pushed: contents that are made again from a seed whenever they are needed, and manifests of them. */
import { CONFIG, digestOf, IMAGE, INDEX, LAYER } from "../support/oci_images.ts";
import { bytesOf } from "./load.ts";
import type { Random } from "./rig.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export interface Content {
  readonly sha256: string;
  readonly sha512: string;
  readonly size: number;
  bytes(): Uint8Array<ArrayBuffer>;
}

export interface Manifest {
  readonly sha256: string;
  readonly sha512: string;
  readonly mediaType: string;
  /** As a list of referrers tells it. */
  readonly artifactType: string | undefined;
  readonly subject: string | undefined;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** That it cannot be pushed without. */
  readonly blobs: readonly Content[];
}

function contentOf(make: () => Uint8Array): Content {
  const bytes = make();
  return {
    sha256: digestOf(bytes, "sha256"),
    sha512: digestOf(bytes, "sha512"),
    size: bytes.length,
    bytes: make as Content["bytes"],
  };
}

export const EMPTY_CONFIG = contentOf(() => new TextEncoder().encode("{}"));

/** What every client knows, and what is made for one push. */
export class Contents {
  readonly #small: readonly Content[];
  readonly #middle: readonly Content[];
  readonly #large: readonly Content[];
  readonly #seeds: Random;

  constructor(random: Random) {
    const make = (count: number, least: number, most: number) =>
      Array.from({ length: count }, () => seeded(random.int(2 ** 31), least + random.int(most - least)));
    this.#small = [seeded(1, 0), ...make(100, 2, 48 * KIB)];
    this.#middle = make(16, 256 * KIB, 2 * MIB);
    // The last one is longer than the 32 MiB after which a server makes a checkpoint by itself.
    this.#large = [...make(2, 4 * MIB, 9 * MIB), ...make(1, 33 * MIB, 36 * MIB)];
    this.#seeds = random;
  }

  pick(random: Random): Content {
    const what = random.next();
    if (what < 0.2) return seeded(this.#seeds.int(2 ** 31), random.int(24 * KIB));
    if (what < 0.9) return random.pick(this.#small);
    return what < 0.992 ? random.pick(this.#middle) : random.pick(this.#large);
  }

  small(random: Random): Content {
    return random.pick(this.#small);
  }
}

/** Never one byte: of an upload with one, `Range` cannot say whether it is there. */
const seeded = (seed: number, size: number): Content => contentOf(() => bytesOf(seed, size === 1 ? 2 : size));

function descriptor(mediaType: string, { sha256, size }: Pick<Content, "sha256" | "size">) {
  return { mediaType, digest: sha256, size };
}

function manifestOf(
  value: { readonly mediaType: string; readonly artifactType?: string; readonly subject?: { readonly digest: string } },
  blobs: readonly Content[],
): Manifest {
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, ...value }));
  const { mediaType, artifactType, subject } = value;
  return {
    ...{ mediaType, subject: subject?.digest, bytes, blobs },
    // distribution-spec, "Listing Referrers": of an image without one, the type of its config.
    artifactType: artifactType ?? (mediaType === IMAGE ? CONFIG : undefined),
    sha256: digestOf(bytes, "sha256"),
    sha512: digestOf(bytes, "sha512"),
  };
}

const subjectOf = ({ mediaType, sha256, bytes }: Manifest) => descriptor(mediaType, { sha256, size: bytes.length });

/** The same layers, note and subject give the same manifest. */
export function image(layers: readonly Content[], note: string, subject?: Manifest, artifactType?: string): Manifest {
  return manifestOf(
    {
      mediaType: IMAGE,
      ...(artifactType !== undefined && { artifactType }),
      config: descriptor(CONFIG, EMPTY_CONFIG),
      layers: layers.map((layer) => descriptor(LAYER, layer)),
      ...(subject !== undefined && { subject: subjectOf(subject) }),
      ...(note !== "" && { annotations: { note } }),
    } as Parameters<typeof manifestOf>[0],
    [EMPTY_CONFIG, ...layers],
  );
}

export function index(children: readonly Manifest[], note: string): Manifest {
  const value = { mediaType: INDEX, manifests: children.map(subjectOf), ...(note !== "" && { annotations: { note } }) };
  return manifestOf(value, []);
}

/** A tar as a stream of entries. Holds one chunk of the source, and extended headers up to a limit. */
import { concatBytes } from "../base/bytes.ts";
import {
  BLOCK,
  invalidArchive,
  isZeroBlock,
  type PaxRecords,
  parseHeader,
  parsePax,
  untilNul,
} from "./archive_tar_format.ts";

export interface TarEntry {
  /** Without leading `./` and trailing `/`; where it is not UTF-8, as near as possible, for a report. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink" | "link" | "unsupported";
  /** Bytes that follow as the entry's body. */
  readonly size: number;
  readonly executable: boolean;
  /** Of links, exactly as written. */
  readonly target: string;
  /** Why it cannot be kept, known from the header alone. */
  readonly problem?: string;
}

/** Bytes of one extended header: names are short, but attributes that travel in it (and are passed over) may not be. */
const MAX_EXTENDED = 1024 * 1024;
const OWNER_EXECUTES = 0o100;

interface Extended {
  readonly pax?: PaxRecords;
  readonly name?: Uint8Array;
  readonly linkname?: Uint8Array;
}

/**
 * Reads one archive. `next()` gives the headers in turn; `body()` the bytes of the newest one, once; what is not read of
 * them is passed over. `close()` in the end, whatever happened.
 *
 * The archive ends with two blocks of zeros. After them only zeros may follow (tar fills up its last record); without
 * them it is truncated.
 */
export class TarReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #remaining = 0;
  #padding = 0;
  #ended = false;
  /** Headers read so far, the global ones among them. */
  headers = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** @throws {RegistryError} `invalid_archive`; whatever the source throws */
  async next(): Promise<TarEntry | undefined> {
    await this.#passOver();
    let extended: Extended = {};
    for (;;) {
      const block = await this.#take(BLOCK);
      if (isZeroBlock(block)) {
        if (Object.keys(extended).length > 0) throw invalidArchive("it ends after an extended header");
        return await this.#finish();
      }
      const header = parseHeader(block);
      this.headers += 1;
      switch (header.type) {
        case "g":
          checkGlobal(parsePax(await this.#extension(header.size)));
          break;
        case "x":
          extended = once(extended, "pax", parsePax(await this.#extension(header.size)));
          break;
        case "L":
          extended = once(extended, "name", untilNul(await this.#extension(header.size)));
          break;
        case "K":
          extended = once(extended, "linkname", untilNul(await this.#extension(header.size)));
          break;
        default: {
          const entry = entryOf(header, extended);
          this.#remaining = entry.size;
          // `&` sees 32 bits, and 2^32 is a multiple of the block: right for any size.
          this.#padding = -entry.size & (BLOCK - 1);
          return entry;
        }
      }
    }
  }

  /** @throws {RegistryError} `invalid_archive` when it is cut short */
  async *body(): AsyncGenerator<Uint8Array, void, void> {
    while (this.#remaining > 0) {
      const piece = await this.#some(this.#remaining);
      this.#remaining -= piece.length;
      yield piece;
    }
  }

  async close(): Promise<void> {
    if (!this.#ended) await this.#source.return?.();
    this.#ended = true;
  }

  async #passOver(): Promise<void> {
    for (let left = this.#remaining + this.#padding; left > 0; ) left -= (await this.#some(left)).length;
    this.#remaining = 0;
    this.#padding = 0;
  }

  async #finish(): Promise<undefined> {
    if (!isZeroBlock(await this.#take(BLOCK))) throw invalidArchive("one block of zeros stands where two end it");
    do {
      if (!isZeroBlock(this.#chunk)) throw invalidArchive("something follows its end; send one archive a request");
    } while (await this.#pull());
    return undefined;
  }

  async #extension(size: number): Promise<Uint8Array> {
    if (size > MAX_EXTENDED) throw invalidArchive(`an extended header has more than ${MAX_EXTENDED} bytes`);
    const bytes = (await this.#take(size)).slice();
    await this.#take(-size & (BLOCK - 1));
    return bytes;
  }

  /** Exactly `length` bytes. */
  async #take(length: number): Promise<Uint8Array> {
    if (this.#chunk.length >= length) return this.#cut(length);
    const pieces: Uint8Array[] = [];
    for (let left = length; left > 0; ) {
      const piece = await this.#some(left);
      // Copied: the source may use a chunk's memory again while the next one is waited for.
      pieces.push(piece.slice());
      left -= piece.length;
    }
    return concatBytes(pieces);
  }

  /** At least one byte, `most` at most, of the chunk that is here. */
  async #some(most: number): Promise<Uint8Array> {
    while (this.#chunk.length === 0) if (!(await this.#pull())) throw invalidArchive("it is truncated");
    return this.#cut(most);
  }

  #cut(length: number): Uint8Array {
    const piece = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(piece.length);
    return piece;
  }

  async #pull(): Promise<boolean> {
    if (this.#ended) return false;
    const step = await this.#source.next();
    if (step.done) this.#ended = true;
    this.#chunk = step.done ? new Uint8Array(0) : step.value;
    return !step.done;
  }
}

function once(extended: Extended, what: keyof Extended, value: PaxRecords | Uint8Array): Extended {
  if (extended[what] === undefined) return { ...extended, [what]: value };
  throw invalidArchive("an entry has two extended headers of a kind");
}

/** `git archive` writes a comment. A name or size for all that follows is nothing that any tar writes. */
function checkGlobal({ path, linkpath, size, sparse }: PaxRecords): void {
  if (path === undefined && linkpath === undefined && size === undefined && sparse === undefined) return;
  throw invalidArchive("a global header gives names or sizes");
}

const KINDS: Readonly<Record<string, TarEntry["kind"]>> = {
  "0": "file",
  // Contiguous: a file, says POSIX, to whoever does not know how to lay it out so.
  "7": "file",
  "1": "link",
  "2": "symlink",
  "5": "directory",
};

const OTHERS: Readonly<Record<string, string>> = {
  "3": "is a character device",
  "4": "is a block device",
  "6": "is a named pipe",
  S: "is a sparse file; write the archive without --sparse",
  M: "is continued from another volume",
  V: "is a volume label",
  D: "is a GNU incremental directory",
};

function entryOf(header: ReturnType<typeof parseHeader>, extended: Extended): TarEntry {
  const { pax = {} } = extended;
  const name = decoded(pax.path ?? extended.name ?? header.name);
  const target = decoded(pax.linkpath ?? extended.linkname ?? header.linkname);
  const size = pax.size ?? header.size;
  // Before ustar, a directory was a file whose name ends in a slash.
  const known = KINDS[header.type] ?? "unsupported";
  const kind = known === "file" && name.text.endsWith("/") ? "directory" : known;
  if (size !== 0 && (kind === "directory" || kind === "symlink" || kind === "link")) {
    // Some read such bytes and some do not: the archive would mean two things.
    throw invalidArchive(`${JSON.stringify(name.text.slice(0, 300))} is a ${kind} with a body`);
  }
  const problem =
    kind === "unsupported"
      ? (OTHERS[header.type] ?? `is of the unknown type ${JSON.stringify(header.type)}`)
      : pax.sparse === true
        ? OTHERS.S
        : name.exact && target.exact
          ? undefined
          : "has a name that is not UTF-8";
  return {
    path: plain(name.text, kind),
    kind,
    size,
    executable: (header.mode & OWNER_EXECUTES) !== 0,
    target: target.text,
    ...(problem === undefined ? {} : { problem }),
  };
}

/** `./a/` -> `a`; the root itself becomes empty. Nothing else is forgiven. */
export function plain(name: string, kind: TarEntry["kind"]): string {
  let path = name;
  while (path.startsWith("./")) path = path.slice(2);
  if (kind === "directory") {
    if (path.endsWith("/") && path !== "/") path = path.slice(0, -1);
    if (path === ".") path = "";
  }
  return path;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

function decoded(bytes: Uint8Array): { readonly text: string; readonly exact: boolean } {
  try {
    return { text: strict.decode(bytes), exact: true };
  } catch {
    return { text: lenient.decode(bytes), exact: false };
  }
}

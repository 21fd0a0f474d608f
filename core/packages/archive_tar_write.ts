/** Writing tar: ustar headers, with pax headers for what does not fit them (long or non-ASCII names, sizes from 8 GiB). */
import { concatBytes, utf8 } from "../base/bytes.ts";
import { BLOCK, checksumOf } from "./archive_tar_format.ts";

export interface OutgoingEntry {
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  /** Of files. Bytes. */
  readonly size: number;
  readonly executable: boolean;
  /** Of symlinks. */
  readonly target: string;
}

const TYPES = { file: "0", symlink: "2", directory: "5" } as const;
const NAME = 100;
/** Eleven octal digits. */
const MAX_SIZE = 8 ** 11 - 1;
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK);

export function modeOf({ kind, executable }: Pick<OutgoingEntry, "kind" | "executable">): number {
  if (kind === "symlink") return 0o777;
  return kind === "directory" || executable ? 0o755 : 0o644;
}

/** The header blocks of an entry; its body and {@link tarPadding} follow. @param mtime seconds since the epoch */
export function tarHeader(entry: OutgoingEntry, mtime: number): Uint8Array {
  const name = utf8(entry.kind === "directory" ? `${entry.path}/` : entry.path);
  const target = utf8(entry.target);
  const records: Uint8Array[] = [];
  if (!fits(name)) records.push(paxRecord("path", name));
  if (!fits(target)) records.push(paxRecord("linkpath", target));
  if (entry.size > MAX_SIZE) records.push(paxRecord("size", utf8(String(entry.size))));
  const own = ustar({ ...entry, name, target, type: TYPES[entry.kind], mode: modeOf(entry), mtime });
  if (records.length === 0) return own;
  const body = concatBytes(records);
  const pax = { name: utf8("PaxHeaders/entry"), target: utf8(""), size: body.length, type: "x", mode: 0o644, mtime };
  return concatBytes([ustar(pax), body, tarPadding(body.length), own]);
}

/** Zeros up to the next block. */
export function tarPadding(size: number): Uint8Array {
  return TAR_END.subarray(0, -size & (BLOCK - 1));
}

/** POSIX wants ASCII in ustar fields; readers guess about the rest. */
function fits(bytes: Uint8Array): boolean {
  return bytes.length <= NAME && bytes.every((byte) => byte < 0x80);
}

/** The length counts itself. */
function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const rest = concatBytes([utf8(` ${key}=`), value, utf8("\n")]);
  let length = rest.length + String(rest.length).length;
  if (String(length).length > String(rest.length).length) length = rest.length + String(length).length;
  return concatBytes([utf8(String(length)), rest]);
}

interface UstarFields {
  readonly name: Uint8Array;
  readonly target: Uint8Array;
  readonly type: string;
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
}

function ustar({ name, target, type, mode, size, mtime }: UstarFields): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const octal = (value: number, at: number, digits: number) =>
    block.set(
      utf8(
        Math.min(value, 8 ** digits - 1)
          .toString(8)
          .padStart(digits, "0"),
      ),
      at,
    );
  block.set(name.subarray(0, NAME), 0);
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(mtime, 136, 11);
  block.set(utf8(type), 156);
  block.set(target.subarray(0, NAME), 157);
  block.set(utf8("ustar\u000000"), 257);
  octal(checksumOf(block), 148, 6);
  block[155] = 0x20;
  return block;
}

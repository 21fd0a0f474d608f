/** IP addresses and CIDR ranges, as numbers. */

export interface AddressRange {
  readonly bits: 32 | 128;
  readonly base: bigint;
  readonly prefix: number;
}

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. `undefined` for anything else, and where bits beyond the prefix are set. */
export function parseRange(text: string): AddressRange | undefined {
  const [, address = "", prefixText] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const parsed = parseAddress(address);
  if (parsed === undefined) return undefined;
  const { bits, value } = parsed;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (prefix > bits || value & ((1n << BigInt(bits - prefix)) - 1n)) return undefined;
  return { bits, base: value, prefix };
}

export function inRanges(address: string, ranges: readonly AddressRange[]): boolean {
  if (ranges.length === 0) return false;
  const parsed = parseAddress(address);
  if (parsed === undefined) return false;
  return ranges.some(({ bits, base, prefix }) => {
    const rest = BigInt(bits - prefix);
    return bits === parsed.bits && parsed.value >> rest === base >> rest;
  });
}

function parseAddress(text: string): { readonly bits: 32 | 128; readonly value: bigint } | undefined {
  const four = parseFour(text);
  if (four !== undefined) return { bits: 32, value: four };
  if (!text.includes(":")) return undefined;
  // The last 32 bits may be written as IPv4.
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = dotted === null ? undefined : parseFour(dotted[2] as string);
  if (dotted !== null && tail === undefined) return undefined;
  const hex =
    tail === undefined ? text : `${dotted?.[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`;
  const [head = "", rest, more] = hex.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const [left, right] = [groups(head), groups(rest ?? "")];
  const missing = 8 - left.length - right.length;
  if (more !== undefined || (rest === undefined ? missing !== 0 : missing < 1)) return undefined;
  const all = [...left, ...Array<string>(missing).fill("0"), ...right];
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const value = all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
  // IPv4 mapped into IPv6 is IPv4.
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

function parseFour(text: string): bigint | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

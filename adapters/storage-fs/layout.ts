/**
 * Where an object lies, relative to the root: `<algorithm>/<hex[0:2]>/<hex[2:4]>/<hex>`, a later generation
 * `<hex>.<generation>` (DESIGN section 5). The key is that path. Keys are checked here whatever their origin: nothing
 * that fails the pattern ever becomes a path.
 */
import { RegistryError } from "../../core/base/errors.ts";
import { ALGORITHMS } from "../../core/identity/algorithms.ts";
import { type ContentAddress, digestOf, parseContentAddress } from "../../core/identity/content_address.ts";

export const STAGING = "staging";

/** 15 digits stay below 2^53. */
const MAX_GENERATION = 999_999_999_999_999;

const KEY = new RegExp(
  `^(?:${Object.values(ALGORITHMS)
    .map(({ name, length }) => `${name}/(?=[0-9a-f/]{6}[0-9a-f]{${length * 2}}(?:\\.|$))`)
    .join("|")})([0-9a-f]{2})/([0-9a-f]{2})/\\1\\2[0-9a-f]+(?:\\.[1-9][0-9]{0,14})?$`,
);

/** Longest legal key: sha512 with a generation of 15 digits. Checked first, so that the pattern sees short text only. */
const MAX_KEY_LENGTH = 160;

export function isKey(text: unknown): text is string {
  return typeof text === "string" && text.length <= MAX_KEY_LENGTH && KEY.test(text);
}

/** @throws {RegistryError} `invalid_argument` */
export function checkKey(key: string): string {
  if (isKey(key)) return key;
  throw new RegistryError("invalid_argument", "A key of this storage reads <algorithm>/<2 hex>/<2 hex>/<hex>", {
    key: String(key).slice(0, MAX_KEY_LENGTH),
  });
}

/** @throws {RegistryError} `invalid_digest` for the address, `invalid_argument` for the generation. */
export function objectKey(address: ContentAddress, generation: number): string {
  const { algorithm, hex } = digestOf(address);
  if (!Number.isInteger(generation) || generation < 0 || generation > MAX_GENERATION) {
    throw new RegistryError("invalid_argument", `A generation is an integer from 0 to ${MAX_GENERATION}`, {
      generation: String(generation),
    });
  }
  return `${algorithm}/${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex}${generation === 0 ? "" : `.${generation}`}`;
}

/** What a key says of the object under it: `objectKey()` backwards. `key` has passed `isKey()`. */
export function describeKey(key: string): { readonly address: ContentAddress; readonly generation: number } {
  const [algorithm = "", , , name = ""] = key.split("/");
  const [hex = "", generation = "0"] = name.split(".");
  return { address: parseContentAddress(`${algorithm}:${hex}`), generation: Number(generation) };
}

/** Names in the staging directory are ours alone: an instance's UUID and a counter. */
const STAGED_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{1,15}$/;

export function isStagedId(name: string): boolean {
  return typeof name === "string" && name.length <= 64 && STAGED_ID.test(name);
}

/** The name of an object: its digest in text form, branded so that no other string can stand for it. */
import { type Digest, parseDigest } from "./digest.ts";

declare const brand: unique symbol;

/** `<algorithm>:<hex>`; a plain string at run time, so it is its own Map key and JSON form. */
export type ContentAddress = string & { readonly [brand]: "ContentAddress" };

/** @throws {RegistryError} `invalid_digest` unless lower case, of a known algorithm and of its exact length. */
export function parseContentAddress(text: string): ContentAddress {
  return contentAddress(parseDigest(text));
}

export function contentAddress(digest: Digest): ContentAddress {
  return digest.toString() as ContentAddress;
}

export function digestOf(address: ContentAddress): Digest {
  return parseDigest(address);
}

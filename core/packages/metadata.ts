/** Package metadata: JSON, bounded, and valid under the JSON Schema that the package names. */
import { type Schema, Validator } from "@cfworker/json-schema";
import { checkValue } from "../base/cbor.ts";
import { messageOf, RegistryError } from "../base/errors.ts";
import { jcsText, parseJcsText } from "../base/jcs.ts";
import type { ExternalRef, JsonMap } from "../events/types.ts";

const encoder = new TextEncoder();

const SCHEMA_ID = /^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,199}$/;

export function isSchemaId(text: string): boolean {
  return SCHEMA_ID.test(text);
}

/**
 * A JSON object within `limit` bytes (as canonical JSON), copied: the caller may change its own while the call runs.
 * @throws {RegistryError} `invalid_metadata`, `limit_exceeded`
 */
export function checkJsonMap(value: unknown, what: string, limit: number): JsonMap {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RegistryError("invalid_metadata", `${what} must be a JSON object`);
  }
  refuseNonJson(value, what, 0);
  let text: string;
  try {
    checkValue(value, 0);
    text = jcsText(value as JsonMap);
  } catch (error) {
    throw new RegistryError(
      "invalid_metadata",
      `${what} cannot be kept as canonical JSON: ${messageOf(error)}`,
      {},
      error,
    );
  }
  const bytes = encoder.encode(text).length;
  if (bytes > limit) {
    throw new RegistryError("limit_exceeded", `${what} has ${bytes} bytes; ${limit} are allowed`, { limit, bytes });
  }
  return parseJcsText(text) as JsonMap;
}

/** JSON has no byte strings and no big integers; CBOR would take both. */
function refuseNonJson(value: unknown, what: string, depth: number): void {
  if (depth > 64) throw new RegistryError("invalid_metadata", `${what} is nested deeper than 64 levels`);
  if (typeof value === "bigint" || value instanceof Uint8Array) {
    throw new RegistryError("invalid_metadata", `${what} holds a value that JSON does not have`);
  }
  if (typeof value !== "object" || value === null) return;
  for (const inner of Array.isArray(value) ? value : Object.values(value)) refuseNonJson(inner, what, depth + 1);
}

/** @throws {RegistryError} `invalid_metadata`, naming the place and the rule */
export function validateAgainst(metadata: JsonMap, schemaId: string, schema: JsonMap): void {
  const { valid, errors } = validate(metadata, `schema ${JSON.stringify(schemaId)}`, schema);
  if (valid) return;
  const [first] = errors.slice(-1);
  throw new RegistryError(
    "invalid_metadata",
    `The metadata is not valid under the schema ${JSON.stringify(schemaId)}: ${first?.instanceLocation ?? "#"}: ${first?.error ?? "invalid"}`,
    {
      schema_id: schemaId,
      errors: errors.slice(0, 20).map((e) => ({ at: e.instanceLocation, rule: e.keywordLocation, error: e.error })),
    },
  );
}

/** Parts that an empty document does not meet show themselves later. @throws {RegistryError} `invalid_metadata` */
export function checkSchema(schema: JsonMap): void {
  validate({}, "schema", schema);
}

/** The validator throws for what it cannot use: a reference to nowhere, a pattern that is none. */
function validate(metadata: JsonMap, what: string, schema: JsonMap) {
  try {
    return new Validator(schema as unknown as Schema, "2020-12", false).validate(metadata);
  } catch (error) {
    throw new RegistryError(
      "invalid_metadata",
      `The ${what} is not a JSON Schema (2020-12) that can be used: ${messageOf(error)}`,
      {},
      error,
    );
  }
}

const MAX_REF_TEXT = 2048;

/** @throws {RegistryError} `invalid_metadata`, `limit_exceeded` */
export function checkExternalRefs(
  refs: readonly { readonly system: string; readonly id: string; readonly url?: string | null }[],
  limit: number,
): ExternalRef[] {
  if (refs.length > limit)
    throw new RegistryError("limit_exceeded", `A package has ${limit} external references at most`, { limit });
  return refs.map(({ system, id, url }) => {
    for (const text of [system, id]) {
      if (typeof text !== "string" || text === "" || text.length > MAX_REF_TEXT || !text.isWellFormed()) {
        throw new RegistryError(
          "invalid_metadata",
          "An external reference has a system and an id, each 1 to 2048 characters",
        );
      }
    }
    if (url === undefined || url === null) return { system, id, url: null };
    const parsed = url.length <= MAX_REF_TEXT && url.isWellFormed() && URL.canParse(url) ? new URL(url) : undefined;
    if (parsed?.protocol !== "https:" && parsed?.protocol !== "http:") {
      throw new RegistryError("invalid_metadata", "The url of an external reference is an http or https address", {
        url: url.slice(0, 200),
      });
    }
    return { system, id, url };
  });
}

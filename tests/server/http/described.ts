/** Answers against the description: is this status, type and body documented for this call? */
import { type Schema, Validator } from "@cfworker/json-schema";
import { withNameEncoded } from "../../../server/http/repository_path.ts";

interface Described {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>;
}

export interface Description {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Described>> }>>>
  >;
  readonly components: object;
}

/** What is wrong with an answer, in words; `undefined` when the description has it. */
export function undescribed(
  description: Description,
  method: string,
  path: string,
  answer: { readonly status: number; readonly headers: Headers; readonly body: string },
): string | undefined {
  // OpenAPI 3.1, "Paths Object": a path without parameters goes first.
  const template = Object.hasOwn(description.paths, path)
    ? path
    : Object.keys(description.paths).find((known) => matches(known, withNameEncoded(path)));
  const methods = template === undefined ? undefined : description.paths[template];
  // Every GET answers HEAD; where that is of use, it is described.
  if (method === "HEAD" && methods?.head === undefined) return answer.body === "" ? undefined : "HEAD has a body";
  const operation = methods?.[method.toLowerCase()];
  // What has no route has no description: 404 and 405.
  if (operation === undefined) return [404, 405].includes(answer.status) ? undefined : `no ${method} ${path}`;
  const described = operation.responses[answer.status];
  if (described === undefined) return `${method} ${template} does not describe ${answer.status}`;
  for (const [header, { required }] of Object.entries(described.headers ?? {})) {
    if (required === true && answer.headers.get(header) === null)
      return `${method} ${template} ${answer.status} lacks ${header}`;
  }
  if (described.content === undefined) return answer.body === "" ? undefined : `${answer.status} has a body`;
  const type = answer.headers.get("content-type") ?? "";
  if (!type.endsWith("json")) return undefined;
  const schema = described.content[type]?.schema;
  if (schema === undefined) return `${method} ${template} ${answer.status} does not describe ${type}`;
  // References point into the document, so it is the schema's own.
  const whole = { ...schema, components: description.components } as unknown as Schema;
  const { valid, errors } = new Validator(whole, "2020-12").validate(JSON.parse(answer.body));
  return valid ? undefined : `${method} ${template} ${answer.status}: ${JSON.stringify(errors.slice(-2))}`;
}

function matches(template: string, path: string): boolean {
  const pattern = template.replace(/\{(path|schema_id)\}/g, ".+").replace(/\{[^}]+\}/g, "[^/]+");
  return new RegExp(`^${pattern}$`).test(path);
}

/**
 * What a newer description takes from the clients of an older one. Small on purpose: it knows what our descriptions use,
 * and takes a change that it cannot judge (another pattern) for a breaking one.
 */

/** A part of a description; unknown members are passed over. */
export type Node = { readonly [key: string]: unknown };

const METHODS = ["get", "head", "put", "post", "patch", "delete", "options"] as const;
/** Who sends what the schema describes: for a client, requests must not become narrower, nor responses wider. */
type Side = "request" | "response";

/** One line for each breaking change, which begins with where it is. */
export function breakingChanges(before: Node, after: Node): string[] {
  const found: string[] = [];
  const pair: Pair = { before, after, open: new Set(), say: (at, what) => found.push(`${at}: ${what}`) };
  for (const [path, old] of entries(before.paths)) {
    const now = node(after.paths)[path];
    if (now === undefined) {
      pair.say(path, "removed");
      continue;
    }
    for (const method of METHODS) {
      if (old[method] === undefined) continue;
      const at = `${method} ${path}`;
      if (node(now)[method] === undefined) pair.say(at, "removed");
      else compareOperations(pair, at, node(old[method]), node(node(now)[method]));
    }
  }
  return found;
}

/** Whether `after` says, by the rules of semantic versions, that it breaks the clients of `before`. */
export function saysSo(before: string, after: string): boolean {
  const [a, b] = [numbers(before), numbers(after)];
  if (a[0] !== b[0]) return b[0] > a[0];
  // Below 1.0 the second number stands for the first.
  return a[0] === 0 && b[1] > a[1];
}

export function isNewer(version: string, than: string): boolean {
  const [a, b] = [numbers(version), numbers(than)];
  const at = a.findIndex((part, i) => part !== b[i]);
  return at >= 0 && (a[at] as number) > (b[at] as number);
}

function numbers(version: string): [number, number, number] {
  const [, ...parts] = /^(\d+)\.(\d+)\.(\d+)$/.exec(version) ?? [];
  if (parts.length !== 3) throw new Error(`${version} is no version like 1.2.3`);
  return parts.map(Number) as [number, number, number];
}

interface Pair {
  readonly before: Node;
  readonly after: Node;
  /** Pairs of references under comparison: schemas may hold themselves. */
  readonly open: Set<string>;
  say(at: string, what: string): void;
}

function compareOperations(pair: Pair, at: string, old: Node, now: Node): void {
  compareParameters(pair, at, list(old.parameters), list(now.parameters));
  const [oldBody, nowBody] = [node(old.requestBody), node(now.requestBody)];
  if (nowBody.required === true && oldBody.required !== true) pair.say(at, "the body is required now");
  if (old.requestBody !== undefined) compareContent(pair, `${at} body`, oldBody, nowBody, "request");
  for (const [status, oldAnswer] of entries(old.responses)) {
    // Which refusals there are may change; a client knows them by their codes.
    if (Number(status) >= 400) continue;
    const answer = node(now.responses)[status];
    if (answer === undefined) {
      pair.say(at, `no longer answers ${status}`);
      continue;
    }
    compareContent(pair, `${at} ${status}`, oldAnswer, node(answer), "response");
    const kept = new Set(Object.keys(node(node(answer).headers)).map((name) => name.toLowerCase()));
    for (const name of Object.keys(node(oldAnswer.headers))) {
      if (!kept.has(name.toLowerCase())) pair.say(`${at} ${status}`, `the header ${name} is gone`);
    }
  }
}

function compareParameters(pair: Pair, at: string, old: readonly Node[], now: readonly Node[]): void {
  const known = new Map(old.map((parameter) => [keyOf(parameter), parameter]));
  const kept = new Map(now.map((parameter) => [keyOf(parameter), parameter]));
  for (const [key, parameter] of known) {
    const newer = kept.get(key);
    if (newer === undefined) pair.say(at, `the parameter ${key} is gone`);
    else compareSchemas(pair, `${at} ${key}`, parameter.schema, newer.schema, "request");
  }
  for (const [key, { required }] of kept) {
    if (required === true && known.get(key)?.required !== true) pair.say(at, `the parameter ${key} is required now`);
  }
}

const keyOf = ({ in: place, name }: Node) => `${place}:${place === "header" ? String(name).toLowerCase() : name}`;

function compareContent(pair: Pair, at: string, old: Node, now: Node, side: Side): void {
  for (const [type, { schema }] of entries(old.content)) {
    const kept = node(now.content)[type];
    if (kept === undefined) pair.say(at, `${type} is gone`);
    else compareSchemas(pair, at, schema, node(kept).schema, side);
  }
}

function compareSchemas(pair: Pair, at: string, old: unknown, now: unknown, side: Side): void {
  const key = `${side} ${node(old).$ref} ${node(now).$ref}`;
  const named = node(old).$ref !== undefined && node(now).$ref !== undefined;
  if (named && pair.open.has(key)) return;
  if (named) pair.open.add(key);
  const [olds, nows] = [alternatives(pair.before, old), alternatives(pair.after, now)];
  const [one, other] = [olds[0], nows[0]];
  if (olds.length === 1 && nows.length === 1 && one && other) compareOne(pair, at, one, other, side);
  else {
    const fits = (a: Node, b: Node) => {
      let fit = true;
      const say = () => {
        fit = false;
      };
      compareOne({ ...pair, open: new Set(pair.open), say }, at, a, b, side);
      return fit;
    };
    if (olds.some((a) => !nows.some((b) => fits(a, b)))) pair.say(at, "an alternative is gone or changed");
    if (side === "response" && nows.some((b) => !olds.some((a) => fits(a, b)))) pair.say(at, "has a new alternative");
  }
  if (named) pair.open.delete(key);
}

function compareOne(pair: Pair, at: string, old: Node, now: Node, side: Side): void {
  compareTypes(pair, at, old, now, side);
  compareValues(pair, at, old, now, side);
  if (side === "request") compareLimits(pair, at, old, now);
  if (old.items !== undefined) compareSchemas(pair, `${at}[]`, old.items, now.items, side);
  const [oldRequired, nowRequired] = [new Set(list(old.required)), new Set(list(now.required))];
  const fields = node(now.properties);
  for (const [name, field] of entries(old.properties)) {
    const place = `${at} .${name}`;
    if (fields[name] === undefined) {
      pair.say(place, "removed");
      continue;
    }
    compareSchemas(pair, place, field, fields[name], side);
    if (side === "response" && oldRequired.has(name as never) && !nowRequired.has(name as never)) {
      pair.say(place, "is no longer always there");
    }
  }
  for (const name of nowRequired) {
    if (side === "request" && !oldRequired.has(name)) pair.say(`${at} .${name}`, "is required now");
  }
  const [oldRest, nowRest] = [old.additionalProperties, now.additionalProperties];
  if (side === "request" && oldRest !== false && nowRest === false) pair.say(at, "refuses further fields now");
  if (isNode(oldRest) && isNode(nowRest)) compareSchemas(pair, `${at} .*`, oldRest, nowRest, side);
}

function compareTypes(pair: Pair, at: string, old: Node, now: Node, side: Side): void {
  const [olds, nows] = [typesOf(old), typesOf(now)];
  // An integer is a number as well.
  const within = (type: string, types: readonly string[]) =>
    types.length === 0 || types.includes(type) || (type === "integer" && types.includes("number"));
  const [inner, outer] = side === "request" ? [olds, nows] : [nows, olds];
  const narrowed = inner.length === 0 ? outer.length > 0 : inner.some((type) => !within(type, outer));
  if (narrowed) pair.say(at, `was ${olds.join("|") || "anything"}, is ${nows.join("|") || "anything"}`);
}

function compareValues(pair: Pair, at: string, old: Node, now: Node, side: Side): void {
  const [olds, nows] = [valuesOf(old), valuesOf(now)];
  if (nows !== undefined) {
    if (olds === undefined) {
      if (side === "request") pair.say(at, "takes only some values now");
    } else {
      // In answers too: a client that compares with it no longer compiles.
      for (const value of olds) if (!nows.includes(value)) pair.say(at, `the value ${JSON.stringify(value)} is gone`);
    }
  }
}

function compareLimits(pair: Pair, at: string, old: Node, now: Node): void {
  for (const name of ["maximum", "maxLength", "maxItems", "maxProperties"]) {
    const [a, b] = [old[name], now[name]] as [number?, number?];
    if (b !== undefined && (a === undefined || b < a)) pair.say(at, `${name} is ${b} now`);
  }
  for (const name of ["minimum", "minLength", "minItems", "exclusiveMinimum"]) {
    const [a, b] = [old[name], now[name]] as [number?, number?];
    if (b !== undefined && (a === undefined || b > a)) pair.say(at, `${name} is ${b} now`);
  }
  for (const name of ["pattern", "format"]) {
    if (now[name] !== undefined && now[name] !== old[name]) pair.say(at, `${name} is ${now[name]} now`);
  }
}

/** The schemas of which one holds, references followed. */
function alternatives(document: Node, schema: unknown): Node[] {
  const { $ref, ...rest } = node(schema);
  if (typeof $ref === "string") {
    const target = $ref
      .slice(2)
      .split("/")
      .reduce<unknown>((at, name) => node(at)[name], document);
    if (target === undefined) throw new Error(`${$ref} leads nowhere`);
    return alternatives(document, target);
  }
  for (const name of ["allOf", "not", "if"]) {
    if (rest[name] !== undefined) throw new Error(`Nobody taught the comparison to read ${name}; do it here`);
  }
  const choices = rest.anyOf ?? rest.oneOf;
  return choices === undefined ? [rest] : list(choices).flatMap((choice) => alternatives(document, choice));
}

const typesOf = ({ type }: Node): string[] => (type === undefined ? [] : ([type].flat() as string[]));
const valuesOf = (schema: Node): readonly unknown[] | undefined =>
  schema.const === undefined ? (schema.enum as unknown[] | undefined) : [schema.const];
const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null;
const node = (value: unknown): Node => (isNode(value) ? value : {});
const list = (value: unknown): readonly Node[] => (Array.isArray(value) ? value : []);
const entries = (value: unknown): [string, Node][] =>
  Object.entries(node(value)).map(([key, child]) => [key, node(child)]);

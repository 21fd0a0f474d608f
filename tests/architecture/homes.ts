/** Where code from outside lives: packages in one home each, runtimes in adapters, none of them in core. */
import { isText, type Token } from "./scan.ts";
import { checkImports, inside, insideAny, type Rule, type Violation } from "./tree.ts";

const DATABASE_READERS = [
  "core/views",
  "core/ledger",
  "core/access",
  "core/guards",
  "core/content",
  "core/packages",
  "core/oci",
];

/** Every package that shipped code may import, and where. A new dependency needs a line here and in docs/dependencies.md. */
export const HOMES: Readonly<Record<string, readonly string[]>> = {
  cborg: ["core/base/cbor.ts"],
  uuid: ["core/base/clock.ts"],
  canonicalize: ["core/base"],
  "@cfworker/json-schema": ["core/packages"],
  "@noble/hashes": ["adapters/hasher-portable"],
  "hash-wasm": ["adapters/hasher-wasm"],
  "@napi-rs/blake-hash": ["adapters/hasher-native"],
  kysely: ["core/spi/database.ts", ...DATABASE_READERS, "adapters/database-*", "migrations"],
  postgres: ["adapters/database-postgres"],
  hono: ["server", "adapters/runtime*"],
  "@hono/zod-openapi": ["server"],
  zod: ["server"],
  "smol-toml": ["cli"],
  commander: ["cli"],
  "cli-progress": ["cli"],
};

export const packageHomes: Rule = (tree) =>
  checkImports(
    tree,
    () => true,
    (file, target, item) => {
      if (target.kind !== "package") return undefined;
      const homes = HOMES[target.name];
      if (homes === undefined)
        return `imports ${target.name}, which has no home; give it one in tests/architecture/homes.ts`;
      if (!insideAny(file.path, homes)) return `imports ${target.name}, whose home is ${homes.join(", ")}`;
      if (file.path === "core/spi/database.ts" && !item.typeOnly)
        return `imports values of ${target.name}; an SPI holds types`;
      return undefined;
    },
  );

/** Places that must run on any runtime, so they name none. */
const RUNTIME_FREE = ["core", "server", "sdk", "migrations", "mod.ts"] as const;

export const noRuntimeModules: Rule = (tree) =>
  checkImports(
    tree,
    (file) => insideAny(file.path, RUNTIME_FREE),
    (_file, target) =>
      target.kind === "runtime"
        ? `imports ${target.name}; what a runtime gives comes through an SPI from adapters/`
        : undefined,
  );

/** Globals that are not web standards, or (fetch) would be a way out that nobody injected. */
const FOREIGN_GLOBALS = new Set("Bun Deno process Buffer require setImmediate __dirname __filename fetch".split(" "));

/**
 * Uses of such a global. `x.process` and `{ process: 1 }` are names of somebody's own; `fetch`, `process` and
 * `require` count only where they are called or reached into, so that a local may carry the word.
 */
export const webStandardsOnly: Rule = (tree) =>
  tree.files
    .filter((file) => inside(file.path, "core"))
    .flatMap((file) => {
      const found: Violation[] = [];
      file.tokens.forEach((token, i) => {
        if (token.kind !== "word" || !FOREIGN_GLOBALS.has(token.text)) return;
        if (!isUse(file.tokens, i)) return;
        const message = `uses the global ${token.text}; core runs on web standards alone, ask for what you need in createRegistry's deps`;
        found.push({ path: file.path, line: token.line, message });
      });
      return found;
    });

function isUse(tokens: readonly Token[], i: number): boolean {
  const [before, token, after] = [tokens[i - 1], tokens[i] as Token, tokens[i + 1]];
  if (isText(before, ".")) return isText(tokens[i - 2], "globalThis");
  if (isText(after, ":") || isText(before, "function")) return false;
  const calledOnly = token.text === "fetch" || token.text === "require";
  if (calledOnly) return isText(after, "(") && !isSignature(tokens, i + 1);
  if (token.text === "process") return isText(after, ".") || isText(after, "[") || isText(after, "?");
  return true;
}

/** `(name: ...` or `():` after a name: the signature of somebody's own method, not a call. */
function isSignature(tokens: readonly Token[], open: number): boolean {
  const [first, second, third] = [tokens[open + 1], tokens[open + 2], tokens[open + 3]];
  if (isText(first, ")")) return isText(second, ":");
  return first?.kind === "word" && (isText(second, ":") || (isText(second, "?") && isText(third, ":")));
}

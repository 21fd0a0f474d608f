/** The form of a file: how long it is, and that every runtime can strip its types (DESIGN 9). */
import { isText, type SourceFile, type Token } from "./scan.ts";
import { insideAny, type Rule, type Tree, type Violation } from "./tree.ts";

export const LONG = 300;
export const TOO_LONG = 500;
/** Tables of data, not reading matter. */
const DATA = ["tests/vectors"] as const;

const isProse = (file: SourceFile): boolean => !insideAny(file.path, DATA) && !file.path.endsWith(".gen.ts");

export const notTooLong: Rule = (tree) =>
  tree.files
    .filter((file) => isProse(file) && file.lineCount > TOO_LONG)
    .map((file) => ({
      path: file.path,
      line: TOO_LONG + 1,
      message: `${file.lineCount} lines; over ${TOO_LONG} nobody reads it in one sitting, split it by what it does`,
    }));

/** A question, not an error: printed by the test. */
export function longFiles(tree: Tree): { path: string; lineCount: number }[] {
  return tree.files.filter((file) => isProse(file) && file.lineCount > LONG && file.lineCount <= TOO_LONG);
}

export const erasable: Rule = (tree) => tree.files.flatMap((file) => [...names(file), ...syntax(file)]);

function names(file: SourceFile): Violation[] {
  const found: Violation[] = [];
  if (!file.path.endsWith(".ts"))
    found.push({ path: file.path, line: 1, message: "not a .ts file; Node strips types from .ts only" });
  for (const { specifier, line } of file.imports) {
    if (specifier === undefined || !specifier.startsWith(".") || /\.(ts|json|mjs)$/.test(specifier)) continue;
    found.push({
      path: file.path,
      line,
      message: `imports ${specifier} without its .ts; no runtime guesses extensions`,
    });
  }
  return found;
}

const MODIFIERS = new Set(["public", "private", "protected", "readonly", "override"]);

function syntax(file: SourceFile): Violation[] {
  const found: Violation[] = [];
  const { tokens } = file;
  const report = (token: Token, what: string): void => {
    found.push({
      path: file.path,
      line: token.line,
      message: `${what} is not erasable TypeScript; Node cannot run it`,
    });
  };
  tokens.forEach((token, i) => {
    if (token.kind !== "word" || isText(tokens[i - 1], ".")) return;
    const [next, third] = [tokens[i + 1], tokens[i + 2]];
    const declares = next?.kind === "word" && (isText(third, "{") || isText(third, "."));
    if (token.text === "enum" && declares && !isText(tokens[i - 1], "declare")) report(token, "enum");
    if (token.text === "namespace" && declares && !isText(tokens[i - 1], "declare")) report(token, "namespace");
    if (token.text === "import" && next?.kind === "word" && isText(third, "=")) report(token, "import =");
    if (token.text === "export" && isText(next, "=")) report(token, "export =");
    if (token.text === "constructor" && isText(next, "(")) {
      const property = parameterProperty(tokens, i + 1);
      if (property !== undefined) report(property, `the parameter property "${property.text}"`);
    }
  });
  return found;
}

/** The modifier of the first parameter property between the parentheses that open at `open`. */
function parameterProperty(tokens: readonly Token[], open: number): Token | undefined {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.kind === "punct" && "([{".includes(token.text)) depth++;
    if (token.kind === "punct" && ")]}".includes(token.text) && --depth === 0) return undefined;
    const startsParameter = isText(tokens[i - 1], "(") || isText(tokens[i - 1], ",");
    if (depth === 1 && startsParameter && MODIFIERS.has(token.text) && tokens[i + 1]?.kind === "word") return token;
  }
  return undefined;
}

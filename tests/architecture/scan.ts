/**
 * A small TypeScript scanner for the architecture rules. It knows just enough of the grammar (comments, strings,
 * templates, regular expressions) never to mistake text for code, and finds every import a file makes, types counted.
 * Why not a library: typescript 7 has no JavaScript API, and Bun's scanImports drops `import type`.
 */

export interface Token {
  /** `string` covers quotes and the literal pieces of a template; its text is the content, escapes left as written. */
  readonly kind: "word" | "string" | "number" | "regex" | "punct";
  readonly text: string;
  readonly line: number;
}

export interface Import {
  /** As written; undefined when a dynamic import computes it. */
  readonly specifier: string | undefined;
  readonly line: number;
  readonly typeOnly: boolean;
}

export interface SourceFile {
  /** Relative to the root of the project, with `/`. */
  readonly path: string;
  readonly tokens: readonly Token[];
  readonly imports: readonly Import[];
  readonly lineCount: number;
}

export function scanFile(path: string, source: string): SourceFile {
  const tokens = tokenize(source);
  const lineCount = source === "" ? 0 : source.split("\n").length - (source.endsWith("\n") ? 1 : 0);
  return { path, tokens, imports: findImports(tokens), lineCount };
}

const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\d[\w.]*/y;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/[\\\n])+\/[a-z]*/y;
/** After these words a `/` begins a regular expression; after any other word it divides. */
const BEFORE_REGEX = new Set(
  "return typeof case in of delete void throw new await yield else do instanceof".split(" "),
);

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  /** One entry for each template whose `${` is open: how many braces are open inside it. */
  const templates: number[] = [];
  let at = 0;
  let line = 1;

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  const push = (kind: Token["kind"], text: string, length: number): void => {
    tokens.push({ kind, text, line });
    advance(length);
  };
  const advance = (length: number): void => {
    for (let i = at; i < at + length; i++) if (source[i] === "\n") line++;
    at += length;
  };
  const quoted = (quote: string): void => {
    let end = at + 1;
    while (end < source.length && source[end] !== quote && source[end] !== "\n") end += source[end] === "\\" ? 2 : 1;
    push("string", source.slice(at + 1, end), end + 1 - at);
  };
  /** Reads on inside a template, from `at` to the closing backtick or to the next `${`. */
  const template = (opening: number): void => {
    let end = at + opening;
    while (end < source.length && source[end] !== "`" && !source.startsWith("${", end)) {
      end += source[end] === "\\" ? 2 : 1;
    }
    const open = source.startsWith("${", end);
    push("string", source.slice(at + opening, end), end - at + (open ? 2 : 1));
    if (open) {
      templates.push(0);
      tokens.push({ kind: "punct", text: "{", line });
    }
  };
  const startsRegex = (): boolean => {
    const last = tokens.at(-1);
    if (last === undefined) return true;
    if (last.kind === "word") return BEFORE_REGEX.has(last.text);
    if (last.kind === "punct") return last.text !== ")" && last.text !== "]" && last.text !== "}";
    return false;
  };

  if (source.startsWith("#!")) advance(lengthTo(source, "\n", 0));
  while (at < source.length) {
    const char = source[at] as string;
    if (char <= " " || char === "\ufeff") advance(1);
    else if (source.startsWith("//", at)) advance(lengthTo(source, "\n", at));
    else if (source.startsWith("/*", at)) advance(lengthTo(source, "*/", at + 2) + 4);
    else if (char === '"' || char === "'") quoted(char);
    else if (char === "`") template(1);
    else if (char === "}" && templates.at(-1) === 0) {
      templates.pop();
      tokens.push({ kind: "punct", text: "}", line });
      template(1);
    } else {
      const depth = templates.length - 1;
      if (char === "{" && depth >= 0) templates[depth] = (templates[depth] as number) + 1;
      if (char === "}" && depth >= 0) templates[depth] = (templates[depth] as number) - 1;
      const word = take(WORD);
      const number = word === undefined ? take(NUMBER) : undefined;
      const regex = char === "/" && startsRegex() ? take(REGEX) : undefined;
      if (word !== undefined) push("word", word, word.length);
      else if (number !== undefined) push("number", number, number.length);
      else if (regex !== undefined) push("regex", regex, regex.length);
      else push("punct", char, 1);
    }
  }
  return tokens;
}

function lengthTo(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from);
  return (found < 0 ? source.length : found) - from;
}

function findImports(tokens: readonly Token[]): Import[] {
  const found: Import[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.kind !== "word" || (token.text !== "import" && token.text !== "export")) continue;
    if (isText(tokens[i - 1], ".")) continue;
    const next = tokens[i + 1];
    if (next === undefined || isText(next, ".") || isText(next, ":")) continue;
    if (token.text === "import" && isText(next, "(")) {
      const [argument, after] = [tokens[i + 2], tokens[i + 3]];
      const literal = argument?.kind === "string" && (isText(after, ")") || isText(after, ","));
      found.push({ specifier: literal ? argument.text : undefined, line: token.line, typeOnly: false });
      continue;
    }
    if (token.text === "import" && next.kind === "string") {
      found.push({ specifier: next.text, line: token.line, typeOnly: false });
      continue;
    }
    const source = findSource(tokens, i + 1);
    if (source !== undefined) found.push({ specifier: source, line: token.line, typeOnly: isTypeOnly(tokens, i + 1) });
  }
  return found;
}

/** The specifier of `... from "x"`, when the words after `import` or `export` are such a clause and not a declaration. */
function findSource(tokens: readonly Token[], start: number): string | undefined {
  for (let i = start; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.kind === "word" && token.text === "from" && tokens[i + 1]?.kind === "string") return tokens[i + 1]?.text;
    // A clause holds names, commas, braces, `*` and (for odd export names) strings; anything else is a declaration.
    const inClause = token.kind === "word" || token.kind === "string" || ["{", "}", ",", "*"].includes(token.text);
    if (!inClause || (token.text === "}" && !isText(tokens[i + 1], "from"))) return undefined;
  }
  return undefined;
}

/** `import type ...` or `import { type a, type b }`; `import type from "x"` imports a value called type. */
function isTypeOnly(tokens: readonly Token[], start: number): boolean {
  const first = tokens[start];
  if (isText(first, "type")) return !isText(tokens[start + 1], "from") && !isText(tokens[start + 1], ",");
  if (!isText(first, "{")) return false;
  let expectName = true;
  for (let i = start + 1; !isText(tokens[i], "}"); i++) {
    if (expectName && !isText(tokens[i], "type")) return false;
    expectName = isText(tokens[i], ",");
    if (expectName && isText(tokens[i + 1], "}")) return true;
  }
  return true;
}

export function isText(token: Token | undefined, text: string): boolean {
  return token !== undefined && token.kind !== "string" && token.text === text;
}

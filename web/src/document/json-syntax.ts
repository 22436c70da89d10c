/** Where JSON text is not JSON. Browsers tell this each in another way, or not at all. */

export interface SyntaxMistake {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

class Mistake extends Error {
  constructor(
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

const space = /[ \t\n\r]*/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y;
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/y;
const deepest = 128; // the server takes no deeper nesting

/** The first mistake of a text that must be one JSON object; `undefined` if there is none. */
export function mistakeOf(text: string): SyntaxMistake | undefined {
  try {
    const begin = skip(text, 0);
    if (text[begin] !== "{") throw new Mistake(begin, "A document begins with {.");
    const end = skip(text, value(text, begin, 0));
    if (end < text.length) throw new Mistake(end, "The document has ended here, but the text goes on.");
    return undefined;
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    const before = text.slice(0, error.offset).split("\n");
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message: error.message };
  }
}

/** Reads a value that begins at `at`; returns where it ends. */
function value(text: string, at: number, depth: number): number {
  if (depth > deepest) throw new Mistake(at, `This is nested deeper than ${deepest} levels.`);
  if (text[at] === "{") return members(text, at, "}", depth);
  if (text[at] === "[") return members(text, at, "]", depth);
  if (text[at] === '"') return quoted(text, at);
  const end = match(scalar, text, at);
  if (end === at) throw new Mistake(at, at >= text.length ? "The text ends too early." : "A value is expected here.");
  return end;
}

function members(text: string, begin: number, close: "}" | "]", depth: number): number {
  const names = new Set<string>();
  let at = skip(text, begin + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    if (close === "}") at = name(text, at, names);
    at = skip(text, value(text, at, depth + 1));
    if (text[at] === close) return at + 1;
    if (text[at] !== ",") throw new Mistake(at, `A comma or ${close} is expected here.`);
    at = skip(text, at + 1);
    if (text[at] === close) throw new Mistake(at, `A comma stands before ${close}.`);
  }
}

function name(text: string, at: number, names: Set<string>): number {
  if (text[at] !== '"') throw new Mistake(at, "The name of a member in double quotes is expected here.");
  const end = quoted(text, at);
  const found = JSON.parse(text.slice(at, end)) as string;
  if (names.has(found)) throw new Mistake(at, `There are two members called "${found}".`);
  names.add(found);
  const colon = skip(text, end);
  if (text[colon] !== ":") throw new Mistake(colon, "A colon is expected here.");
  return skip(text, colon + 1);
}

function quoted(text: string, at: number): number {
  const end = match(string, text, at);
  if (text[end] === '"') return end + 1;
  if (end >= text.length) throw new Mistake(at, "This text in quotes does not end.");
  const isEscape = text[end] === "\\";
  throw new Mistake(end, isEscape ? "JSON does not know this escape." : "A line break or tab in a text is written as \\n or \\t.");
}

function skip(text: string, at: number): number {
  return match(space, text, at);
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

/**
 * Changes to JSON text that leave everything else in it as it was sent.
 *
 * A number past 2^53, or `1.0`, does not survive `JSON.parse`. So an edit is written into the text that was read, and
 * what nobody touched keeps its digits.
 */
import { changes, equal, type Change } from "./change.js";
import { at, isContainer, isObject } from "./pointer.js";

/** A member or an item: its name or index, where its text begins (with the name), and its value. */
interface Part {
  readonly name: string;
  readonly first: number;
  readonly begin: number;
  readonly end: number;
}

/** The text of the value at `path`; `undefined` if there is none. The text must be JSON. */
export function slice(text: string, path: readonly string[]): string | undefined {
  let [begin, end] = [spaces(text, 0), valueEnd(text, spaces(text, 0))];
  for (const name of path) {
    const part = parts(text, begin).find((part) => part.name === name);
    if (!part) return undefined;
    ({ begin, end } = part);
  }
  return text.slice(begin, end);
}

/** The texts of the items of the array at `path`. */
export function items(text: string, path: readonly string[]): string[] {
  const array = slice(text, path);
  return array === undefined ? [] : parts(array, 0).map(({ begin, end }) => array.slice(begin, end));
}

/** The text with the changes made, which `changes` found from the value of this text. */
export function splice(text: string, made: readonly Change[]): string {
  const begin = spaces(text, 0);
  return change(text, begin, valueEnd(text, begin), made, 0);
}

/** The text of one value with changes within it; `depth` names of their paths lead to it. */
function change(text: string, begin: number, end: number, made: readonly Change[], depth: number): string {
  const whole = made.find(({ path }) => path.length === depth);
  if (whole) return rewritten(text.slice(begin, end), whole.value);
  const within = new Map<string, Change[]>();
  for (const one of made) {
    const name = one.path[depth] as string;
    const others = within.get(name);
    if (others) others.push(one);
    else within.set(name, [one]);
  }
  let kept = "";
  let reached = begin;
  let isChanged = false;
  const members: string[] = [];
  for (const part of parts(text, begin)) {
    const inner = within.get(part.name);
    within.delete(part.name);
    const [only] = inner ?? [];
    if (only && only.path.length === depth + 1 && only.value === undefined) {
      isChanged = true;
      continue;
    }
    const value = inner ? change(text, part.begin, part.end, inner, depth + 1) : text.slice(part.begin, part.end);
    kept += text.slice(reached, part.begin) + value;
    reached = part.end;
    members.push(text.slice(part.first, part.begin) + value);
  }
  if (!isChanged && within.size === 0) return kept + text.slice(reached, end);
  for (const [name, [added]] of within) members.push(`${JSON.stringify(name)}:${JSON.stringify(added?.value)}`);
  return `{${members.join(",")}}`;
}

/** A value that takes the place of a text: what is still there keeps its text, also if items came or went. */
function rewritten(text: string, value: unknown): string {
  const before: unknown = text && JSON.parse(text);
  if (text && equal(before, value)) return text;
  if (isObject(before) && isObject(value)) return splice(text, changes(before, value));
  if (!Array.isArray(before) || !Array.isArray(value)) return JSON.stringify(value ?? null);
  const olds: unknown[] = before;
  const texts = items(text, []);
  const sources = new Array<number | undefined>(value.length);
  const free = new Set(texts.keys());
  // Each item comes from an old one: from that in its place or an equal one, or else from the one that is most like it.
  const pair = (likeness: (old: unknown, item: unknown, isThere: boolean) => number) =>
    value.forEach((item: unknown, index) => {
      if (sources[index] !== undefined) return;
      let most = 0;
      for (const old of free) {
        const likes = likeness(olds[old], item, old === index);
        if (likes > most) [most, sources[index]] = [likes, old];
      }
      free.delete(sources[index] as number);
    });
  pair((old, item, isThere) => Number(isThere && equal(old, item)));
  pair((old, item) => Number(equal(old, item)));
  if (olds.length === value.length) pair((_, __, isThere) => Number(isThere));
  pair((old, item) => (isContainer(old) && isContainer(item) ? Object.keys(item).filter((name) => equal(at(old, [name]), at(item, [name]))).length : 0));
  return `[${value.map((item: unknown, index) => rewritten(texts[sources[index] ?? -1] ?? "", item)).join(",")}]`;
}

/** The members or items of the object or array at `begin`; of another value, none. */
function parts(text: string, begin: number): Part[] {
  const isObject = text[begin] === "{";
  const found: Part[] = [];
  if (!isObject && text[begin] !== "[") return found;
  let index = spaces(text, begin + 1);
  while (text[index] !== "}" && text[index] !== "]") {
    const first = index;
    let name = String(found.length);
    if (isObject) {
      const end = valueEnd(text, index);
      name = JSON.parse(text.slice(index, end)) as string;
      index = spaces(text, spaces(text, end) + 1);
    }
    const end = valueEnd(text, index);
    found.push({ name, first, begin: index, end });
    index = spaces(text, end);
    if (text[index] === ",") index = spaces(text, index + 1);
  }
  return found;
}

/** Where the value at `index` ends. */
function valueEnd(text: string, index: number): number {
  let depth = 0;
  for (;;) {
    const character = text[index];
    if (character === undefined) throw new SyntaxError("the text ends within a value");
    if (character === '"') index = stringEnd(text, index);
    else if (character === "{" || character === "[") depth++, index++;
    else if (character === "}" || character === "]") depth--, index++;
    else if (depth === 0) return past(SCALAR, text, index);
    else index++;
    if (depth === 0) return index;
  }
}

function stringEnd(text: string, begin: number): number {
  let quote = text.indexOf('"', begin + 1);
  while (quote > 0 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote < 0 ? text.length : quote + 1;
}

function isEscaped(text: string, index: number): boolean {
  let before = index;
  while (text[before - 1] === "\\") before--;
  return (index - before) % 2 === 1;
}

const SCALAR = /[^\s,\]}]+/y;
const SPACES = /[ \t\n\r]*/y;

function spaces(text: string, index: number): number {
  return past(SPACES, text, index);
}

function past(pattern: RegExp, text: string, index: number): number {
  pattern.lastIndex = index;
  return index + (pattern.exec(text)?.[0].length ?? 1);
}

/** JSON Pointers (RFC 6901), as names and in words. */
import { at, names, pointer } from "detente-client";

export type Names = readonly string[];

export { at as valueAt, names as namesOf, pointer as pointerOf };

/** "address › city", "tags › 3rd" */
export function inWords(pointer: string): string {
  if (pointer === "") return "the whole document";
  return names(pointer)
    .map((name) => (/^(0|[1-9]\d*)$/.test(name) ? ordinal(Number(name) + 1) : name))
    .join(" › ");
}

function ordinal(number: number): string {
  const [tens, ones] = [number % 100, number % 10];
  const ending = tens > 10 && tens < 14 ? "th" : (["th", "st", "nd", "rd"][ones] ?? "th");
  return `${number}${ending}`;
}

/** Whether one place is the other, or within it. */
export function overlap(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

/** A copy of `value` in which the place has another value, or with `undefined` none. */
export function withValueAt(value: unknown, names: Names, next: unknown): unknown {
  const [name, ...rest] = names;
  if (name === undefined) return next;
  if (Array.isArray(value)) {
    const index = Number(name);
    const inner = withValueAt(value[index], rest, next);
    return inner === undefined ? value.toSpliced(index, 1) : value.toSpliced(index, 1, inner);
  }
  const copy = new Map(Object.entries(isObject(value) ? value : {}));
  const inner = withValueAt(copy.get(name), rest, next);
  if (inner === undefined) copy.delete(name);
  else copy.set(name, inner);
  return Object.fromEntries(copy); // also right for a member called __proto__
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import { isObject } from "./pointer.js";

/** What a place becomes. Without `value` it is removed. */
export interface Change {
  readonly path: readonly string[];
  readonly value?: unknown;
}

/**
 * The places in which `after` differs from `before`, none within another. An array is one place: an index names another
 * item as soon as somebody inserts one. So is a value of another type.
 */
export function changes(before: unknown, after: unknown): Change[] {
  const found: Change[] = [];
  collect(before, after, [], found);
  return found;
}

function collect(before: unknown, after: unknown, path: readonly string[], found: Change[]): void {
  if (!isObject(before) || !isObject(after)) {
    if (!equal(before, after)) found.push({ path, value: after });
    return;
  }
  for (const name of Object.keys(before)) {
    if (isMember(before, name) && !isMember(after, name)) found.push({ path: [...path, name] });
  }
  for (const name of Object.keys(after)) {
    if (!isMember(after, name)) continue;
    if (isMember(before, name)) collect(before[name], after[name], [...path, name], found);
    else found.push({ path: [...path, name], value: after[name] });
  }
}

// JSON has no `undefined`: a member that is set to it is left out, as JSON.stringify does.
function isMember(object: Record<string, unknown>, name: string): boolean {
  return Object.hasOwn(object, name) && object[name] !== undefined;
}

/** Whether two values are the same JSON. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  // In an array JSON.stringify makes `undefined` null.
  const isSame = (item: unknown, index: number) => equal(item ?? null, (b as unknown[])[index] ?? null);
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every(isSame);
  return isObject(a) && isObject(b) && changes(a, b).length === 0;
}

/** `value` with the changes made, in a copy. */
export function withChanges<T>(value: T, made: readonly Change[]): T {
  let root: unknown = structuredClone(value);
  for (const { path, value } of made) {
    const last = path.at(-1);
    if (last === undefined) {
      root = value;
      continue;
    }
    let parent = root;
    for (const name of path.slice(0, -1)) parent = (parent as Record<string, unknown>)[name];
    if (value === undefined) delete (parent as Record<string, unknown>)[last];
    else define(parent as object, last, value);
  }
  return root as T;
}

/** Sets a member, also one that is called `__proto__`. */
export function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

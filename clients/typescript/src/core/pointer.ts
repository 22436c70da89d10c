/** JSON Pointers (RFC 6901), as text and as the names on the way. */

/** The pointer to a place: `pointer(["a/b", "0"])` is `/a~1b/0`. */
export function pointer(names: readonly string[]): string {
  return names.map((name) => "/" + name.replaceAll("~", "~0").replaceAll("/", "~1")).join("");
}

/** The names on the way to a place. */
export function names(pointer: string): string[] {
  return pointer.split("/").slice(1).map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The value at a place; `undefined` if there is none. */
export function at(value: unknown, place: readonly string[]): unknown {
  for (const name of place) {
    if (!isContainer(value) || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return isContainer(value) && !Array.isArray(value);
}

export function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

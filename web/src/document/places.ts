import { inWords, isObject } from "../parts/pointer";

/** The places in which two documents differ: members, one by one; lists as a whole. */
export function differingPlaces(before: unknown, after: unknown, path = ""): string[] {
  if (Object.is(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return same(before, after) ? [] : [path];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const place = `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const isInBoth = Object.hasOwn(before, name) && Object.hasOwn(after, name);
    return isInBoth ? differingPlaces(before[name], after[name], place) : [place];
  });
}

/** Whether two values are the same JSON. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => same(item, b[index]));
  return isObject(a) && isObject(b) && differingPlaces(a, b).length === 0;
}

export function placesInWords(paths: readonly string[]): string {
  if (paths.length === 0) return "no change";
  const shown = paths.slice(0, 5).map(inWords).join(", ");
  return paths.length > 5 ? `${shown} and ${paths.length - 5} more` : shown;
}

/** Filters and order in the URL of the page, written as the API has them. */
import type { Question } from "./rows";

export const operators = [
  ["", "is"],
  [".ne", "is not"],
  [".lt", "is less than"],
  [".le", "is at most"],
  [".gt", "is greater than"],
  [".ge", "is at least"],
  [".in", "is one of"],
  [".exists", "exists"],
] as const;

export function questionOf(query: URLSearchParams): Question {
  const sort = (query.get("sort") ?? "").split(",").filter(Boolean);
  const filters = Object.fromEntries([...query].filter(([name]) => name !== "sort"));
  return { filters, sort };
}

export function queryOf({ filters, sort }: Question): URLSearchParams {
  const query = new URLSearchParams(filters);
  if (sort.length > 0) query.set("sort", sort.join(","));
  return query;
}

/** A filter in words: "price is less than 80". */
export function filterInWords(name: string, value: string): string {
  const operator = [...operators].reverse().find(([ending]) => ending !== "" && name.endsWith(ending));
  const place = operator ? name.slice(0, -operator[0].length) : name;
  if (operator?.[0] === ".exists") return `${place} ${value === "false" ? "is absent" : "exists"}`;
  return `${place} ${operator?.[1] ?? "is"} ${value}`;
}

/**
 * The order after a click on a column: up, down, as it was. With `adds`, it comes behind the columns that are sorted by
 * already.
 */
export function sortedBy(sort: readonly string[], place: string, adds: boolean): string[] {
  const isPlace = (key: string) => key.replace(/^-/, "") === place;
  const before = sort.find(isPlace);
  const after = before === undefined ? [place] : before === place ? [`-${place}`] : [];
  if (!adds) return after;
  return before === undefined ? [...sort, ...after] : sort.flatMap((key) => (isPlace(key) ? after : [key]));
}

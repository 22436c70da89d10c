import { isObject } from "../parts/pointer";
import type { Schema } from "../session/schema";
import type { Row } from "./row";

export interface Column {
  /** The name of the member. */
  readonly name: string;
  readonly title: string;
  readonly isNumber: boolean;
}

const mostColumns = 12;
const looksAt = 200;

/** The columns of a table: what the schema declares, or what the first documents have. */
export function columnsOf(schema: Schema | undefined, rows: readonly Row[]): Column[] {
  const found = new Map<string, number>();
  for (const row of rows.slice(0, looksAt)) {
    for (const name of row.cells.keys()) found.set(name, (found.get(name) ?? 0) + 1);
  }
  const declared = Object.keys(schema?.properties ?? {});
  const isRequired = (name: string) => schema?.required?.includes(name) ?? false;
  const names = schema
    ? [...declared.filter(isRequired), ...declared.filter((name) => !isRequired(name))]
    : [...found.keys()].sort((a, b) => (found.get(b) ?? 0) - (found.get(a) ?? 0));
  return names.slice(0, mostColumns).map((name) => columnOf(name, schema?.properties?.[name], rows));
}

function columnOf(name: string, schema: Schema | undefined, rows: readonly Row[]): Column {
  const isDeclared = schema?.type === "number" || schema?.type === "integer";
  const cells = rows.slice(0, 20).flatMap((row) => row.cells.get(name) ?? []);
  const isNumber = isDeclared || (!isObject(schema) && cells.length > 0 && cells.every((cell) => /^-?\d+(\.\d+)?$/.test(cell)));
  return { name, title: schema?.title ?? name, isNumber };
}

/** The name of a member as filters and orders take it: some need to be a JSON Pointer. */
export function placeOf(name: string): string {
  if (name.startsWith("/")) return name;
  const isPlain = /^[A-Za-z][A-Za-z0-9-]*$/.test(name) && !["limit", "cursor", "sort", "count"].includes(name);
  const isOwn = ["_id", "_version", "_updated_at"].includes(name);
  return isPlain || isOwn ? name : `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

import type { Doc, Row as Version } from "detente-client";
import { isObject } from "../parts/pointer";
import { brief } from "../parts/value-view";

// Of many documents, only what a table shows of them is kept.
const cellsKept = 40;

/** A document in the table. */
export interface Row {
  readonly id: string;
  readonly version: number;
  readonly updatedAt: string;
  readonly updatedBy: string;
  readonly etag: string;
  /** The members in one line each, by name. */
  readonly cells: ReadonlyMap<string, string>;
  /** Whether it changed while somebody looked at the table. */
  readonly news?: "changed" | "deleted";
}

export function rowOf(doc: Doc<unknown>): Row {
  const { id, version, updatedAt, updatedBy, etag, value } = doc;
  const members = isObject(value) ? Object.entries(value).slice(0, cellsKept) : [];
  return { id, version, updatedAt, updatedBy, etag, cells: new Map(members.map(([name, member]) => [name, brief(member)])) };
}

/** The row after somebody saved another version. */
export function changedRow(row: Row, { version, updatedAt, updatedBy, doc }: Version): Row {
  if (version <= row.version) return row;
  if (!doc) return { ...row, version, updatedAt, updatedBy, news: "deleted" };
  return { ...rowOf(doc), updatedAt, updatedBy, news: "changed" };
}

import type { Doc, Row, Snapshot } from "./doc.js";
import { slice } from "./json_text.js";
import { isObject } from "./pointer.js";
import { string } from "./refusal.js";

/** The bytes behind the documents that were handed out. A copy of a document has none. */
const origins = new WeakMap<object, () => Snapshot>();

/** What is known of a version beside its document. */
interface Facts {
  readonly updatedAt?: string;
  readonly updatedBy?: string;
}

export function docOf<T>(id: string, snapshot: Snapshot, facts: Facts = {}): Doc<T> {
  const { text, etag, version } = snapshot;
  const value = JSON.parse(text) as T;
  return remember({ id, value, etag, version, updatedAt: "", updatedBy: "", ...facts }, () => snapshot);
}

/** What a document was read from. Of a copy it is the copy's own text, and digits may be missing. */
export function snapshotOf(doc: Doc): Snapshot {
  const { value, etag, version } = doc;
  return origins.get(doc)?.() ?? { text: JSON.stringify(value), etag, version };
}

/** Reads a row of a list, a history or a feed. `text` is called when the digits are needed. */
export function rowOf<T>(row: unknown, text: () => string | undefined): Row<T> {
  const all = isObject(row) ? row : {};
  const id = string(all["id"]) ?? "";
  const facts = { updatedAt: string(all["updated_at"]) ?? "", updatedBy: string(all["updated_by"]) ?? "" };
  const version = Number(all["version"] ?? 0);
  const etag = string(all["etag"]);
  const merged = all["merged"];
  return {
    id,
    version,
    ...facts,
    ...(etag !== undefined && "data" in all && { doc: whole<T>(id, all["data"] as T, etag, version, facts, text) }),
    ...(isObject(merged) && {
      merged: { baseVersion: Number(merged["base_version"]), ontoVersion: Number(merged["onto_version"]) },
    }),
  };
}

function whole<T>(
  id: string,
  value: T,
  etag: string,
  version: number,
  facts: Required<Facts>,
  text: () => string | undefined,
): Doc<T> {
  const snapshot = () => {
    const row = text();
    const data = row === undefined ? undefined : slice(row, ["data"]);
    return { text: data ?? JSON.stringify(value), etag, version };
  };
  return remember({ id, value, etag, version, ...facts }, snapshot);
}

function remember<T>(doc: Doc<T>, origin: () => Snapshot): Doc<T> {
  origins.set(doc, origin);
  return doc;
}

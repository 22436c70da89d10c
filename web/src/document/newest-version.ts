import { ProblemError, type Row } from "detente-client";
import { isObject } from "../parts/pointer";
import { apiUrl, request } from "../session/api";
import { client } from "../session/session";
import type { DocumentName } from "./kept-draft";

/**
 * The newest version, with who saved it and when, which the answer to a read does not say. Without `doc` if the document
 * was deleted; `undefined` if there never was one.
 */
export async function newestVersion(of: DocumentName, signal: AbortSignal): Promise<Row | undefined> {
  for (;;) {
    // The document itself comes from a read, which keeps all digits.
    const [doc, row] = await Promise.all([client().collection<unknown>(of.collection).get(of.id, { signal }), newestRow(of, signal)]);
    if (!row) return doc && { ...doc, doc };
    if (!doc && row.isDeletion) return row.version;
    if (doc?.version === row.version.version) return { ...row.version, doc: doc };
    // Somebody saved between the two answers.
  }
}

async function newestRow({ collection, id }: DocumentName, signal: AbortSignal) {
  try {
    const response = await request(apiUrl([collection, id, "versions"], "?limit=1"), { signal });
    const body: unknown = await response.json();
    const row: unknown = isObject(body) && Array.isArray(body["items"]) ? body["items"][0] : undefined;
    if (!isObject(row)) return undefined;
    const version: Row = {
      id,
      version: Number(row["version"]),
      updatedAt: String(row["updated_at"] ?? ""),
      updatedBy: String(row["updated_by"] ?? ""),
    };
    return { version, isDeletion: row["deleted"] === true };
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 404) return undefined;
    throw error;
  }
}

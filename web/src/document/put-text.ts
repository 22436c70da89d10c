/** Writes a document as text: for digits that a JavaScript value would lose. */
import { apiUrl, request } from "../session/api";
import { randomId } from "../parts/random-id";
import type { DocumentName } from "./kept-draft";

interface PutOptions {
  /** The version that is replaced; without it, the document must not exist. */
  readonly ifMatch?: string;
  /** Whether the server may join it with what others saved since. */
  readonly merge?: boolean;
  readonly lock?: string | undefined;
}

/** @throws ProblemError if it was refused. Returns the tag of what is stored. */
export async function putText({ collection, id }: DocumentName, text: string, options: PutOptions): Promise<string> {
  const { ifMatch, merge = false, lock } = options;
  const headers = new Headers({ "Content-Type": "application/json", "Idempotency-Key": `"${randomId()}"` });
  if (ifMatch === undefined) headers.set("If-None-Match", "*");
  else headers.set("If-Match", ifMatch);
  if (merge) headers.set("Prefer", "conflict=merge");
  if (lock !== undefined) headers.set("Lock-Token", lock);
  const response = await request(apiUrl([collection, id]), { method: "PUT", headers, body: text });
  return response.headers.get("etag") ?? response.headers.get("merged-etag") ?? "";
}

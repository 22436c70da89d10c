import { isObject } from "./core/pointer.js";
import { slice, splice } from "./core/json_text.js";
import { changes, define } from "./core/change.js";

export interface VersionInBody {
  /** The member that holds the version, such as `version` or `rev`. */
  readonly member: string;
  /** The statuses with which the server refuses a stale version; 409 and 412 if absent. */
  readonly stale?: readonly number[];
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * A `fetch` for a server that keeps the version of a document in its body: it turns `If-Match` into that member, and the
 * member of an answer into `ETag`. Give it to a client:
 *
 * ```ts
 * const client = new Client({ url, fetch: versionInBody({ member: "version" }) });
 * ```
 */
export function versionInBody({ member, stale = [409, 412], fetch = globalThis.fetch }: VersionInBody): typeof fetch {
  return async (input, init = {}) => {
    const headers = new Headers(init.headers);
    const tag = headers.get("if-match");
    headers.delete("if-match");
    const body = typeof init.body === "string" ? withVersion(init.body, member, tag) : init.body;
    const response = await fetch(input, { ...init, headers, ...(body != null && { body }) });
    const text = await response.text();
    const answered = new Headers(response.headers);
    answered.delete("content-length");
    answered.delete("content-encoding");
    // After a write the client reads: what is stored has another version than what was sent.
    const isRead = (init.method ?? "GET") === "GET";
    const version = response.ok && isRead ? versionOf(text, member) : undefined;
    if (version !== undefined) answered.set("etag", JSON.stringify(version));
    const status = stale.includes(response.status) ? 409 : response.status;
    const isEmpty = [101, 204, 205, 304].includes(status);
    return new Response(isEmpty ? null : text, { status, headers: answered });
  };
}

/** The text with the version that the writer began from. */
function withVersion(text: string, member: string, tag: string | null): string {
  const value: unknown = JSON.parse(text);
  const version = tag === null ? undefined : slice(JSON.parse(tag) as string, []);
  if (!isObject(value) || version === undefined) return text;
  const changed: Record<string, unknown> = { ...value };
  define(changed, member, JSON.parse(version));
  return splice(text, changes(value, changed));
}

/** The version as JSON: a number and a string with its digits are two. */
function versionOf(text: string, member: string): string | undefined {
  try {
    return slice(text, [member]);
  } catch {
    return undefined;
  }
}

/** Reads refusals: problem details (RFC 9457), and what other servers send instead. */
import type { ChangeSince, FieldConflict, Joined } from "./conflict.js";
import { isObject } from "./pointer.js";
import type { Problem } from "./problem.js";

interface Refused {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** What an answer says that is a refusal. */
export function problemOf({ status, headers, text }: Refused): Problem {
  const body = parsed(text);
  const type = string(body["type"]) ?? "";
  const retryAfterMs = retryAfter(headers);
  const title = string(body["title"]) ?? `HTTP ${status}`;
  return {
    kind: /\/problems\/([^/?#]+)$/.exec(type)?.[1] ?? String(status),
    status,
    title,
    detail: string(body["detail"]) ?? string(body["message"]) ?? title,
    body,
    text,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** Whether a server that explains its refusals says that somebody else was faster. */
export function saysStale({ kind }: Problem): boolean {
  return ["stale-version", "precondition-failed", "base-gone"].includes(kind);
}

/**
 * Whether it compared the edit with what was saved in between: then it knows the base, and can merge. Where it leaves out
 * conflicts, they cannot be decided by what it tells.
 */
export function isExplained(problem: Problem): boolean {
  const { kind, body } = problem;
  return (
    ["stale-version", "precondition-failed"].includes(kind) && string(body["current_etag"]) !== undefined &&
    body["your_version"] !== null && body["conflicts_omitted"] === undefined
  );
}

/** In the place of a refusal where nothing was refused. */
export function unsaid(kind: string): Problem {
  return { kind, status: 409, title: "", detail: "", body: {}, text: "" };
}

export function fieldsOf(body: Readonly<Record<string, unknown>>): FieldConflict[] {
  return rows(body["conflicts"]).map((row) => row as unknown as FieldConflict);
}

export function joinedOf(body: Readonly<Record<string, unknown>>): Joined[] {
  return rows(body["joined"]).map((row) => row as unknown as Joined);
}

export function sinceOf(body: Readonly<Record<string, unknown>>): ChangeSince[] {
  return rows(body["changes_since"]).map((row) => row as unknown as ChangeSince);
}

function rows(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function string(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Retry-After in milliseconds (RFC 9110, section 10.2.3). A date counts from the server's own. */
function retryAfter(headers: Headers): number | undefined {
  const field = headers.get("retry-after");
  if (field === null) return undefined;
  if (/^\d+$/.test(field)) return Number(field) * 1000;
  const wait = Date.parse(field) - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

import { present } from "./core/members.js";
import { isObject } from "./core/pointer.js";
import { ProblemError, type Problem } from "./core/problem.js";
import { problemOf } from "./core/refusal.js";
import type { WriteOptions } from "./core/resource.js";
import { newKey, type Transport } from "./core/transport.js";

/** One write of a batch. It has the condition that it would have alone. */
export interface Operation {
  readonly method: "PUT" | "POST" | "PATCH" | "DELETE";
  readonly collection: string;
  /** Absent for POST. */
  readonly id?: string;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: "*";
  readonly prefer?: string;
  readonly lock?: string;
  /** `application/json` if absent, which for PATCH is a merge patch. */
  readonly type?: string;
  readonly body?: unknown;
}

/** What became of one operation. */
export interface Result {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The refusal; absent if it was performed. */
  readonly problem?: Problem;
}

export type BatchResult =
  | { readonly kind: "performed"; readonly results: Result[] }
  /** Nothing was written. `operation` is the first that was refused. */
  | { readonly kind: "refused"; readonly problem: Problem; readonly operation: number; readonly results: Result[] };

export interface BatchOptions extends Omit<WriteOptions, "lock"> {
  /** All or none, if absent. Otherwise each is performed on its own, in this order: look at each `problem`. */
  readonly atomic?: boolean;
}

/** Performs several writes in one request, all or none. */
export async function batch(
  transport: Transport,
  operations: readonly Operation[],
  { atomic = true, key = newKey(), signal }: BatchOptions,
): Promise<BatchResult> {
  // Where each stands alone, each has a key of its own.
  const all = operations.map((one, index) => written(transport, one, atomic ? undefined : `${key}-${index}`));
  const answer = await transport.send(
    {
      method: "POST",
      path: ["_batch"],
      query: atomic ? {} : { atomic: "false" },
      headers: { "Idempotency-Key": atomic ? `"${key}"` : undefined },
      body: JSON.stringify({ operations: all }),
      repeat: "keyed",
    },
    transport.pace(signal),
  );
  const problem = problemOf(answer);
  const results = resultsOf(problem.body["results"]);
  if (answer.status < 300) return { kind: "performed", results };
  const operation = problem.body["operation"];
  if (typeof operation !== "number") throw new ProblemError(problem);
  return { kind: "refused", problem, operation, results };
}

function written(transport: Transport, operation: Operation, key: string | undefined): object {
  const { method, collection, id, ifMatch, ifNoneMatch, prefer, lock, type, body } = operation;
  const headers = {
    "Content-Type": type,
    "If-Match": ifMatch,
    "If-None-Match": ifNoneMatch,
    Prefer: prefer,
    "Lock-Token": lock,
    "Idempotency-Key": key && `"${key}"`,
  };
  const path = transport.pathOf(id === undefined ? [collection] : [collection, id]);
  return { method, path, headers: present(headers), body };
}

function resultsOf(given: unknown): Result[] {
  return (Array.isArray(given) ? given : []).filter(isObject).map((row): Result => {
    const status = Number(row["status"]);
    const headers = (isObject(row["headers"]) ? row["headers"] : {}) as Record<string, string>;
    const text = JSON.stringify(row["body"] ?? {});
    const problem = status >= 400 && problemOf({ status, headers: new Headers(headers), text });
    return { status, headers, ...("body" in row && { body: row["body"] }), ...(problem && { problem }) };
  });
}

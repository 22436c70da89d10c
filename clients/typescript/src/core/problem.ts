import type { Conflict } from "./conflict.js";

/** A refusal (RFC 9457). Members that are not named here are in it as the server sent them. */
export interface Problem {
  /** `stale-version` for `/problems/stale-version`; the status as text if the server says nothing else. */
  readonly kind: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** All members, as the server sent them. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The answer's own text: digits that a JavaScript number cannot hold are in it. */
  readonly text: string;
  readonly retryAfterMs?: number;
}

/** The server refused: it would refuse the same request again. */
export class ProblemError extends Error {
  override readonly name: string = "ProblemError";
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

/** Somebody else was faster: once for `put`, `patch` and `delete`, at every attempt for `update`. */
export class ConflictError<T = unknown> extends ProblemError {
  override readonly name = "ConflictError";
  constructor(
    readonly conflict: Conflict<T>,
    readonly attempts: number,
  ) {
    super(conflict.problem);
  }
}

/** No answer came, or none that says what happened. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  constructor(
    message: string,
    /** Whether the write may have been applied. */
    readonly uncertain: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

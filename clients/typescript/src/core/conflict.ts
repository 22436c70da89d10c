import type { Doc, Etag } from "./doc.js";
import type { Problem } from "./problem.js";

/** One place where your edit and another exclude each other. A value that was absent has no member: absent is not null. */
export interface FieldConflict {
  /** A JSON Pointer (RFC 6901). */
  readonly path: string;
  /** `edit-edit`, `delete-edit`, `edit-delete`, `add-add`, `type`, `order`, `text`, `constraint` or `inapplicable`. */
  readonly kind: string;
  /** The strategy of the place; `manual` where none is declared. */
  readonly strategy: string;
  readonly base?: unknown;
  readonly yours?: unknown;
  readonly current?: unknown;
  /** Who changed the place last, and in which version, if the server says so. */
  readonly by?: string;
  readonly version?: number;
  /** Why, in words, where a rule refused the merge of two edits that were valid alone. */
  readonly message?: string;
}

/** A place that a strategy joined. */
export interface Joined {
  readonly path: string;
  readonly strategy: string;
  /** What was dropped for it. */
  readonly lost?: unknown;
  /** Whether somebody should read the result. */
  readonly review?: boolean;
}

/** A version that was saved since the base of an edit. */
export interface ChangeSince {
  readonly version: number;
  readonly by: string;
  readonly at: string;
  /** Top-level members that it changed. */
  readonly fields: string[];
}

/** An edit that came too late and cannot be merged without a decision. */
export interface Conflict<T = unknown> {
  /** What the edit began from. */
  readonly base?: Doc<T>;
  /** What the writer wants. */
  readonly mine: T;
  /** What is stored now. Absent if it was deleted, or if the caller may not read it. */
  readonly theirs?: Doc<T>;
  /** All that can be merged; in the places in conflict it has the current value. */
  readonly merged: T;
  /** What is left to decide. Empty only if the document was deleted. */
  readonly fields: FieldConflict[];
  readonly joined: Joined[];
  readonly since: ChangeSince[];
  /** Where the server keeps the refused edit, if it does. */
  readonly logged?: string;
  /** The refusal, as the server sent it. */
  readonly problem: Problem;
}

/** What to store in a place: one of the three values, or another. */
export type Choice = "yours" | "current" | "base" | { readonly value: unknown };

/** A choice for each place, by its JSON Pointer. */
export type Choices = Readonly<Record<string, Choice>>;

/** What became of an edit. */
export type Saved<T> =
  | {
      /** `merged`: it now contains what others saved, too. `unchanged`: there was nothing to save. */
      readonly kind: "saved" | "merged" | "unchanged";
      readonly doc: Doc<T>;
      /** Where both sides changed one place and the server joined them, as far as it tells. */
      readonly joined: Joined[];
      /** The base of the edit and the version that it was merged with. */
      readonly versions?: readonly [number, number];
      readonly attempts: number;
    }
  | { readonly kind: "conflict"; readonly conflict: Conflict<T>; readonly attempts: number };

/** What a save would do, of `preview`. Nothing was written. */
export type Preview<T> =
  | { readonly kind: "clean" | "unchanged"; readonly value: T; readonly current: Etag; readonly joined: Joined[] }
  | { readonly kind: "conflict"; readonly conflict: Conflict<T> };

/** A tag of a version, quotes included, as the server sent it (RFC 9110, section 8.8.3). */
export type Etag = string;

/** A document at one version. `value` is yours to read; to change it use `update` or `edit`. */
export interface Doc<T = unknown> {
  readonly id: string;
  readonly value: T;
  /** Names the version in `If-Match`. */
  readonly etag: Etag;
  /** 1, 2, 3 … ; 0 if the server does not number its versions. */
  readonly version: number;
  /** When this version was saved, as RFC 3339; empty if the server does not say. */
  readonly updatedAt: string;
  /** Who saved it; empty if the server does not say, as in the answer to a read. */
  readonly updatedBy: string;
}

/** A version in a history or a feed: the document, or the trace of its deletion. */
export interface Row<T = unknown> {
  readonly id: string;
  readonly version: number;
  readonly updatedAt: string;
  readonly updatedBy: string;
  /** Absent for a deletion. */
  readonly doc?: Doc<T>;
  /** The two versions that were merged into this one, if it is a merge. */
  readonly merged?: { readonly baseVersion: number; readonly ontoVersion: number };
}

/** One page of a list. */
export interface Page<T = unknown> {
  readonly items: Doc<T>[];
  /** The cursor of the page after this one; `null` on the last. */
  readonly next: string | null;
  /** How many documents match in all, if that was asked for. */
  readonly total?: number;
}

/** A document and the bytes that it was read from: they hold digits that a JavaScript number cannot. */
export interface Snapshot {
  readonly text: string;
  readonly etag: Etag;
  readonly version: number;
}

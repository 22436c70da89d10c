import { Collection as AnyCollection } from "./core/collection.js";
import type { Doc, Page, Row } from "./core/doc.js";
import { items } from "./core/json_text.js";
import { isObject } from "./core/pointer.js";
import { success } from "./core/resource.js";
import { docOf, rowOf } from "./core/snapshot.js";
import type { CallOptions } from "./core/transport.js";
import { Lock, lockOf, takeLock, type LockInfo, type LockOptions } from "./lock.js";
import { watch, type Change, type WatchOptions } from "./watch.js";

export interface ListOptions extends CallOptions {
  /** Conditions as in the query of the URL: `{ "price.lt": "20" }`. */
  readonly filters?: Readonly<Record<string, string>>;
  /** Places to sort by; `-` in front for descending order. */
  readonly sort?: readonly string[];
  /** How many rows at most, 1 to 1000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
  /** Whether to count all that match. */
  readonly count?: boolean;
}

/** The documents of one kind, with all that Detente has. */
export class Collection<T = Record<string, unknown>> extends AnyCollection<T> {
  /** One page of documents, by their ids or by `sort`. */
  async list(options: ListOptions = {}): Promise<Page<T>> {
    const { filters, sort, limit, cursor, count, signal } = options;
    const query = { ...filters, sort: sort?.join(","), limit: limit?.toString(), cursor, count: count?.toString() };
    const { rows, next, total } = await this.#page([this.name], query, signal);
    return { items: rows.flatMap(({ doc }) => doc ?? []), next, ...(typeof total === "number" && { total }) };
  }

  /** All documents that match, page by page. */
  async *all(options: Omit<ListOptions, "cursor"> = {}): AsyncGenerator<Doc<T>, void> {
    let cursor: string | null = null;
    do {
      const page: Page<T> = await this.list({ ...options, ...(cursor !== null && { cursor }) });
      yield* page.items;
      cursor = page.next;
    } while (cursor !== null);
  }

  /** All versions of a document that are kept, the newest first. */
  async *history(id: string, { signal }: CallOptions = {}): AsyncGenerator<Row<T>, void> {
    let cursor: string | null = null;
    do {
      const query = { cursor: cursor ?? undefined };
      const page: Rows<T> = await this.#page([this.name, id, "versions"], query, signal);
      yield* page.rows;
      cursor = page.next;
    } while (cursor !== null);
  }

  /** A past version; `undefined` if it was a deletion, or is no longer kept. */
  async version(id: string, version: number, { signal }: CallOptions = {}): Promise<Doc<T> | undefined> {
    const read = await this.resource(id).read(this.pace(signal), version);
    return read && docOf<T>(id, read.snapshot, { updatedAt: read.updatedAt });
  }

  /** Keeps everybody else from writing the document. */
  lock(id: string, options: LockOptions = {}): Promise<Lock> {
    return takeLock(this.transport, [this.name, id, "lock"], options);
  }

  /** Who holds the lock; `undefined` if nobody does. */
  lockOf(id: string, { signal }: CallOptions = {}): Promise<LockInfo | undefined> {
    return lockOf(this.transport, [this.name, id, "lock"], this.pace(signal));
  }

  /** What others save in this collection or, with `id`, in one document, as they save it. */
  watch(options: WatchOptions & { readonly id?: string } = {}): AsyncGenerator<Change<T>, void> {
    const { id } = options;
    return watch(this.transport, id === undefined ? [this.name, "_changes"] : [this.name, id, "_changes"], options);
  }

  async #page(
    path: readonly string[],
    query: Readonly<Record<string, string | undefined>>,
    signal: AbortSignal | undefined,
  ): Promise<Rows<T>> {
    const { text } = success(await this.transport.send({ method: "GET", path, query }, this.pace(signal)));
    const body: unknown = JSON.parse(text);
    if (!isObject(body) || !Array.isArray(body["items"])) throw new TypeError("the answer is no list");
    const { items: given, next, total } = body;
    let texts: string[] | undefined;
    const textOf = (index: number) => (texts ??= items(text, ["items"]))[index];
    const rows = (given as unknown[]).map((row, index) => rowOf<T>(row, () => textOf(index)));
    return { rows, next: typeof next === "string" ? next : null, total };
  }
}

interface Rows<T> {
  readonly rows: Row<T>[];
  readonly next: string | null;
  readonly total: unknown;
}

import { computed, signal } from "@preact/signals";
import { ProblemError, type Collection, type Page, type Row as Version } from "detente-client";
import { changedRow, rowOf, type Row } from "./row";

const pageRows = 200;
const markMs = 4000;

/** What is asked for: the filters and the order. */
export interface Question {
  readonly filters: Readonly<Record<string, string>>;
  readonly sort: readonly string[];
}

/** The rows of a table, loaded page by page as somebody scrolls, and kept up to date. */
export class Rows {
  readonly rows = signal<readonly Row[]>([]);
  readonly total = signal<number | undefined>(undefined);
  readonly error = signal<unknown>(undefined);
  readonly isLoading = signal(false);
  /** Documents that came while somebody looked, and that are not shown. */
  readonly arrived = signal<ReadonlySet<string>>(new Set());
  readonly isComplete = computed(() => this.#next.value === null);
  readonly #next = signal<string | null | undefined>(undefined);
  readonly #places = new Map<string, number>();
  #ended = new AbortController();
  #counts = true;

  constructor(
    private readonly documents: Collection<unknown>,
    private readonly question: Question,
  ) {
    void this.more();
  }

  async more(): Promise<void> {
    if (this.isLoading.peek() || this.#next.peek() === null) return;
    this.isLoading.value = true;
    this.error.value = undefined;
    try {
      const page = await this.#page(this.#next.peek());
      if (this.#ended.signal.aborted) return;
      const fresh = page.items.filter((doc) => !this.#places.has(doc.id)).map(rowOf);
      const before = this.rows.peek();
      fresh.forEach((row, index) => this.#places.set(row.id, before.length + index));
      this.rows.value = [...before, ...fresh];
      this.#next.value = page.next;
      if (page.total !== undefined) this.total.value = page.total;
      else if (page.next === null) this.total.value = this.rows.peek().length;
    } catch (error) {
      if (!this.#ended.signal.aborted) this.error.value = error;
    } finally {
      this.isLoading.value = false;
    }
  }

  /** Begins again from the first row. */
  reload(): void {
    this.#ended.abort();
    this.#ended = new AbortController();
    this.#places.clear();
    this.#next.value = undefined;
    this.isLoading.value = false;
    this.arrived.value = new Set();
    this.rows.value = [];
    void this.more();
  }

  /** Takes in what somebody saved: what is shown changes where it stands, what is new waits until it is asked for. */
  learn(version: Version): void {
    const place = this.#places.get(version.id);
    if (place !== undefined) {
      const rows = [...this.rows.peek()];
      const row = rows[place];
      if (!row || version.version <= row.version) return;
      rows[place] = changedRow(row, version);
      this.rows.value = rows;
      if (version.doc) setTimeout(() => this.#unmark(version), markMs);
    } else if (version.doc && version.version === 1) {
      this.arrived.value = new Set(this.arrived.peek()).add(version.id);
    } else if (!version.doc && this.arrived.peek().has(version.id)) {
      const rest = new Set(this.arrived.peek());
      rest.delete(version.id);
      this.arrived.value = rest;
    }
  }

  close(): void {
    this.#ended.abort();
  }

  #unmark({ id, version }: Version): void {
    const place = this.#places.get(id);
    const row = place === undefined ? undefined : this.rows.peek()[place];
    if (place === undefined || row?.version !== version) return;
    const { news: _, ...rest } = row;
    this.rows.value = this.rows.peek().toSpliced(place, 1, rest);
  }

  async #page(cursor: string | null | undefined): Promise<Page<unknown>> {
    const { filters, sort } = this.question;
    const { signal } = this.#ended;
    const isFirst = cursor === undefined || cursor === null;
    const options = { filters, limit: pageRows, signal, ...(sort.length > 0 && { sort }), ...(!isFirst && { cursor }) };
    if (!isFirst || !this.#counts) return this.documents.list(options);
    try {
      const page = await this.documents.list({ ...options, count: true });
      if (page.total !== undefined) return page;
    } catch (error) {
      const isAboutCount = error instanceof ProblemError && error.problem.body["parameter"] === "count";
      if (!isAboutCount) throw error;
    }
    // An older server does not count: it takes "count" for the name of a member.
    this.#counts = false;
    return this.documents.list(options);
  }
}

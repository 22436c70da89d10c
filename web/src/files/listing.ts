import { computed, signal } from "@preact/signals";
import { ProblemError } from "detente-client";
import { request } from "../session/api";
import { folderUrl, listFolder, tagOf, type Entry } from "./entry";

/** What is in a folder, loaded page by page. What others change is told, and shown when somebody asks for it. */
export class Listing {
  readonly entries = signal<readonly Entry[]>([]);
  readonly error = signal<unknown>(undefined);
  readonly isLoading = signal(false);
  /** Whether anybody changed anything in it since. */
  readonly isOld = signal(false);
  readonly #next = signal<string | null | undefined>(undefined);
  readonly isRead = computed(() => this.#next.value !== undefined);
  readonly isComplete = computed(() => this.#next.value === null);
  /** The tag of the folder as it is shown; there is none of a folder that holds nothing yet. */
  etag = "";
  #ended = new AbortController();

  constructor(readonly path: string) {
    void this.reload();
  }

  async more(): Promise<void> {
    if (!this.isLoading.peek() && this.#next.peek() !== null) await this.#read(this.entries.peek(), this.#next.peek() ?? null, 1);
  }

  /** Reads again what is shown. */
  async reload(): Promise<void> {
    this.close();
    this.#ended = new AbortController();
    await this.#read([], null, this.entries.peek().length);
  }

  async #read(before: readonly Entry[], after: string | null, wanted: number): Promise<void> {
    const { signal } = this.#ended;
    this.isLoading.value = true;
    this.error.value = undefined;
    try {
      let found = before;
      let next = after;
      do {
        const page = await listFolder(this.path, next, signal);
        // The first page is as old as what is shown: what changes while the others come is news.
        if (next === null) this.etag = page.etag;
        found = [...found, ...page.entries];
        next = page.next;
      } while (next !== null && found.length < before.length + wanted);
      if (signal.aborted) return;
      this.entries.value = found;
      this.#next.value = next;
      if (after === null) this.isOld.value = false;
    } catch (error) {
      if (!signal.aborted) this.error.value = error;
    } finally {
      if (!signal.aborted) this.isLoading.value = false;
    }
  }

  /** Looks whether anything changed. */
  async look(): Promise<void> {
    const { signal } = this.#ended;
    if (this.isLoading.peek() || this.isOld.peek() || !this.isRead.peek()) return;
    const head = request(folderUrl(this.path, "?limit=1"), { method: "HEAD", signal });
    // A refusal is news, too: it may be gone.
    const tag = await head.then(tagOf, (error) => (error instanceof ProblemError ? undefined : this.etag));
    if (!signal.aborted && tag !== this.etag) this.isOld.value = true;
  }

  close(): void {
    this.#ended.abort();
  }
}

import type { Queue } from "./queue.js";
import { Turns, type Storage } from "./storage.js";

interface Kept {
  readonly key: string;
  readonly since: number;
  readonly queue: Queue;
}

/** Keeps what waits in the browser. Tabs of one origin that use the same name share it. */
export class IndexedDb implements Storage {
  #database: Promise<IDBDatabase> | undefined;
  readonly #turns = new Turns();

  constructor(private readonly name = "detente-outbox") {}

  async change(key: string, change: (queue: Queue | undefined) => Queue | undefined): Promise<Queue | undefined> {
    const transaction = (await this.#open()).transaction("queues", "readwrite", { durability: "strict" });
    const store = transaction.objectStore("queues");
    let changed: Queue | undefined;
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new DOMException("the change was not kept", "AbortError"));
    });
    const read = store.get(key) as IDBRequest<Kept | undefined>;
    read.onsuccess = () => {
      changed = change(read.result?.queue);
      if (changed && changed === read.result?.queue) return;
      if (changed) store.put({ key, since: read.result?.since ?? Date.now(), queue: changed } satisfies Kept);
      else store.delete(key);
    };
    await done;
    return changed;
  }

  async keys(): Promise<string[]> {
    const store = (await this.#open()).transaction("queues").objectStore("queues");
    const kept = await answer(store.getAll() as IDBRequest<Kept[]>);
    return kept.sort((a, b) => a.since - b.since).map(({ key }) => key);
  }

  exclusively<R>(work: () => Promise<R>): Promise<R> {
    // Not in every browser, and only in secure contexts.
    const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
    return locks ? locks.request(this.name, work) as Promise<R> : this.#turns.take(work);
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= open(this.name).catch((error: unknown) => {
      this.#database = undefined;
      throw error;
    });
    return this.#database;
  }
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore("queues", { keyPath: "key" });
  return answer(request);
}

function answer<R>(request: IDBRequest<R>): Promise<R> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new DOMException("the storage failed", "UnknownError"));
  });
}

import type { Queue } from "./queue.js";
import { Turns, type Storage } from "./storage.js";

/** Keeps what waits until the program ends. */
export class Memory implements Storage {
  readonly #queues = new Map<string, Queue>();
  readonly #turns = new Turns();

  change(key: string, change: (queue: Queue | undefined) => Queue | undefined): Promise<Queue | undefined> {
    const queue = change(structuredClone(this.#queues.get(key)));
    if (queue) this.#queues.set(key, structuredClone(queue));
    else this.#queues.delete(key);
    return Promise.resolve(queue);
  }

  keys(): Promise<string[]> {
    return Promise.resolve([...this.#queues.keys()]);
  }

  exclusively<R>(work: () => Promise<R>): Promise<R> {
    return this.#turns.take(work);
  }
}

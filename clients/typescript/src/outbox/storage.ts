import type { Queue } from "./queue.js";

/** Where what waits is kept. One for each person: two tabs share it. */
export interface Storage {
  /**
   * Changes what is kept under `key`, in one step: nobody else changes it in between. `change` gets `undefined` if nothing
   * is kept, and removes it by returning that. What it returns is durable when the promise resolves.
   */
  change(key: string, change: (queue: Queue | undefined) => Queue | undefined): Promise<Queue | undefined>;
  /** All keys, the oldest first. */
  keys(): Promise<string[]>;
  /** Does some work while nobody else who shares the storage does any. */
  exclusively<R>(work: () => Promise<R>): Promise<R>;
}

/** One after the other, within this program. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<R>(work: () => Promise<R>): Promise<R> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** How often and how slowly to try again. */
export interface RetryPolicy {
  /** How many times a write is made again because somebody else was faster. */
  readonly attempts: number;
  /** How long one operation may take with all that it repeats, in milliseconds. */
  readonly withinMs: number;
  /** How long one answer may take; after that it counts as lost. */
  readonly answerMs: number;
  /** The longest pause before the second attempt; it doubles with each one, up to `capMs`. */
  readonly firstMs: number;
  readonly capMs: number;
}

export const RETRY: RetryPolicy = { attempts: 10, withinMs: 15_000, answerMs: 10_000, firstMs: 20, capMs: 2_000 };

export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

/** Waits; rejects with the reason of `signal` when that is aborted. */
export const sleep: Sleep = (ms, signal) =>
  new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });

/** What one operation has used of its retries. */
export class Pace {
  collisions = 0;
  #failures = 0;
  readonly #begun = performance.now();

  constructor(
    readonly policy: RetryPolicy,
    readonly random: () => number,
    readonly sleep: Sleep,
    readonly signal: AbortSignal | undefined,
  ) {}

  /** Counts a write that came too late. The first time there is no pause. False: give up. */
  async collided(): Promise<boolean> {
    this.collisions++;
    if (this.collisions >= this.policy.attempts) return false;
    if (this.collisions === 1) return this.#left() > 0;
    return this.#pause(this.#jitter(this.collisions - 1));
  }

  /** Waits before a request is sent again, for at least `leastMs`. False: there is no time left for it. */
  async failed(leastMs: number): Promise<boolean> {
    this.#failures++;
    return this.#pause(leastMs + this.#jitter(this.#failures));
  }

  answered(): void {
    this.#failures = 0;
  }

  #jitter(count: number): number {
    return this.random() * Math.min(this.policy.capMs, this.policy.firstMs * 2 ** count);
  }

  #left(): number {
    return this.policy.withinMs - (performance.now() - this.#begun);
  }

  async #pause(ms: number): Promise<boolean> {
    if (ms > this.#left()) return false;
    await this.sleep(ms, this.signal);
    return true;
  }
}

import { signal } from "@preact/signals";
import type { Lock, LockInfo } from "detente-client";
import { apiUrl, request } from "../session/api";
import { client, sessionFetch } from "../session/session";
import type { DocumentName } from "./kept-draft";

const ttlS = 60;
const lookMs = 15_000;

type LockState =
  | { readonly kind: "unknown" | "free" }
  /** Somebody else holds it. */
  | { readonly kind: "taken"; readonly by: LockInfo }
  | { readonly kind: "ours" }
  /** Its time passed, or somebody broke it. */
  | { readonly kind: "lost" };

/** The lock of the document that is shown: held here, or by somebody else. */
export class HeldLock {
  readonly state = signal<LockState>({ kind: "unknown" });
  readonly error = signal<unknown>(undefined);
  #lock: Lock | undefined;
  readonly #timer;

  constructor(private readonly of: DocumentName) {
    // Locks are not in the feed: who wants to know has to look.
    this.#timer = setInterval(() => void this.#tick(), lookMs);
    addEventListener("pagehide", this.#letGo);
    void this.look();
  }

  get token(): string | undefined {
    return this.#lock?.token;
  }

  async look(): Promise<void> {
    if (this.#lock || document.visibilityState === "hidden") return;
    const by = await this.#documents.lockOf(this.of.id).catch(() => undefined);
    if (this.#lock || (this.state.peek().kind === "lost" && !by)) return;
    this.state.value = by ? { kind: "taken", by } : { kind: "free" };
  }

  async take(): Promise<void> {
    await this.#attempt(async () => {
      this.#lock = await this.#documents.lock(this.of.id, { ttlS });
      this.state.value = { kind: "ours" };
    });
    if (!this.#lock) await this.look();
  }

  async release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    this.state.value = { kind: "free" };
    await this.#attempt(async () => lock?.release());
  }

  /** Takes it away from who holds it. */
  async break(): Promise<void> {
    await this.#attempt(async () => {
      await request(apiUrl([this.of.collection, this.of.id, "lock"], "?break=true"), { method: "DELETE" });
    });
    await this.look();
  }

  lost(): void {
    this.#lock = undefined;
    this.state.value = { kind: "lost" };
  }

  close(): void {
    clearInterval(this.#timer);
    removeEventListener("pagehide", this.#letGo);
    this.#letGo();
  }

  get #documents() {
    return client().collection(this.of.collection);
  }

  // Who closes the window shall not keep others out for a minute.
  readonly #letGo = (): void => {
    const lock = this.#lock;
    if (!lock) return;
    this.#lock = undefined;
    this.state.value = { kind: "free" };
    const headers = { "Lock-Token": lock.token };
    const url = apiUrl([this.of.collection, this.of.id, "lock"]);
    sessionFetch(url, { method: "DELETE", headers, keepalive: true }).catch(() => undefined);
  };

  async #tick(): Promise<void> {
    if (!this.#lock) return this.look();
    await this.#lock.renew({ ttlS }).catch((error: unknown) => {
      if (error instanceof Error && error.name === "ProblemError") this.lost();
    });
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    this.error.value = undefined;
    await work().catch((error: unknown) => (this.error.value = error));
  }
}

import { signal } from "@preact/signals";
import { ProblemError, type LockInfo } from "detente-client";
import { request } from "../session/api";
import { sessionFetch } from "../session/session";

const ttlS = 60;
const lookMs = 15_000;

type LockState =
  | { readonly kind: "unknown" | "free" }
  /** Somebody else holds it. */
  | { readonly kind: "taken"; readonly by: LockInfo }
  | { readonly kind: "ours" }
  /** Its time passed, or somebody broke it. */
  | { readonly kind: "lost" };

/** The lock of the document or file that is shown: held here, or by somebody else. */
export class HeldLock {
  readonly state = signal<LockState>({ kind: "unknown" });
  readonly error = signal<unknown>(undefined);
  /** What proves that it is held here. */
  #token: string | undefined;
  readonly #timer;

  constructor(private readonly url: string) {
    // Locks are not in the feed: who wants to know has to look.
    this.#timer = setInterval(() => void this.#tick(), lookMs);
    addEventListener("pagehide", this.#letGo);
    void this.look();
  }

  get token(): string | undefined {
    return this.#token;
  }

  async look(): Promise<void> {
    if (this.#token || document.visibilityState === "hidden") return;
    const by = await request(this.url).then(holder, () => undefined);
    if (this.#token || (this.state.peek().kind === "lost" && !by)) return;
    this.state.value = by ? { kind: "taken", by } : { kind: "free" };
  }

  async take(): Promise<void> {
    await this.#attempt(async () => {
      const { token } = (await (await this.#post()).json()) as { token: string };
      this.#token = token;
      this.state.value = { kind: "ours" };
    });
    if (!this.#token) await this.look();
  }

  async release(): Promise<void> {
    const init = { method: "DELETE", headers: this.#headers };
    this.#token = undefined;
    this.state.value = { kind: "free" };
    await this.#attempt(() => request(this.url, init));
  }

  /** Takes it away from who holds it. */
  async break(): Promise<void> {
    await this.#attempt(() => request(`${this.url}?break=true`, { method: "DELETE" }));
    await this.look();
  }

  lost(): void {
    this.#token = undefined;
    this.state.value = { kind: "lost" };
  }

  close(): void {
    clearInterval(this.#timer);
    removeEventListener("pagehide", this.#letGo);
    this.#letGo();
  }

  get #headers(): Record<string, string> {
    return this.#token ? { "Lock-Token": this.#token } : {};
  }

  /** Takes it, or renews it. */
  #post(): Promise<Response> {
    const headers = { ...this.#headers, "Content-Type": "application/json" };
    return request(this.url, { method: "POST", headers, body: JSON.stringify({ ttl_s: ttlS }) });
  }

  // Who closes the window shall not keep others out for a minute.
  readonly #letGo = (): void => {
    const headers = this.#headers;
    if (!this.#token) return;
    this.#token = undefined;
    this.state.value = { kind: "free" };
    sessionFetch(this.url, { method: "DELETE", headers, keepalive: true }).catch(() => undefined);
  };

  async #tick(): Promise<void> {
    if (!this.#token) return this.look();
    await this.#post().catch((error: unknown) => {
      if (error instanceof ProblemError) this.lost();
    });
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    this.error.value = undefined;
    await work().catch((error: unknown) => (this.error.value = error));
  }
}

async function holder(response: Response): Promise<LockInfo> {
  const { fencing, owner, by, expires_at: expiresAt } = (await response.json()) as LockInfo & { expires_at: string };
  return { fencing, owner, by, expiresAt };
}

import type { Pace } from "./core/retry.js";
import { string } from "./core/refusal.js";
import { success } from "./core/resource.js";
import type { Answer, CallOptions, Transport } from "./core/transport.js";

/** Who holds a lock, and until when by the server's clock. */
export interface LockInfo {
  /** Larger than that of every lock before it: for systems that must refuse a late holder. */
  readonly fencing: number;
  readonly owner: string;
  readonly by: string;
  readonly expiresAt: string;
}

export interface LockOptions extends CallOptions {
  /** How long it is held, in seconds: 1 to 86400; 60 if absent. */
  readonly ttlS?: number;
  /** Who holds it, in words for people. */
  readonly owner?: string;
}

/** A lock that is held. Send `token` with each write: `save({ lock: lock.token })`. */
export class Lock implements LockInfo {
  readonly token: string;
  readonly fencing: number;
  readonly owner: string;
  readonly by: string;
  #expiresAt: string;

  constructor(
    private readonly transport: Transport,
    private readonly path: readonly string[],
    body: Readonly<Record<string, unknown>>,
  ) {
    this.token = string(body["token"]) ?? "";
    const { fencing, owner, by, expiresAt } = infoOf(body);
    this.fencing = fencing;
    this.owner = owner;
    this.by = by;
    this.#expiresAt = expiresAt;
  }

  get expiresAt(): string {
    return this.#expiresAt;
  }

  /**
   * Holds it for longer, from now. Renew after half of its time.
   *
   * @throws ProblemError `lock-lost` if its time has passed.
   */
  async renew(options: Omit<LockOptions, "owner"> = {}): Promise<void> {
    const answer = await post(this.transport, this.path, options, this.token);
    this.#expiresAt = infoOf(bodyOf(success(answer))).expiresAt;
  }

  async release({ signal }: CallOptions = {}): Promise<void> {
    const headers = { "Lock-Token": this.token };
    const sending = { method: "DELETE", path: this.path, headers } as const;
    success(await this.transport.send(sending, this.transport.pace(signal)));
  }
}

export async function takeLock(transport: Transport, path: readonly string[], options: LockOptions): Promise<Lock> {
  const answer = await post(transport, path, options, undefined);
  return new Lock(transport, path, bodyOf(success(answer)));
}

export async function lockOf(transport: Transport, path: readonly string[], pace: Pace): Promise<LockInfo | undefined> {
  const answer = await transport.send({ method: "GET", path }, pace);
  if (answer.status === 404) return undefined;
  return infoOf(bodyOf(success(answer)));
}

// If the answer is lost, so is the token, and the lock ends by itself. A renewal may come twice.
function post(transport: Transport, path: readonly string[], options: LockOptions, token: string | undefined): Promise<Answer> {
  const { ttlS, owner, signal } = options;
  const body = JSON.stringify({ ttl_s: ttlS, owner });
  const headers = { "Lock-Token": token };
  return transport.send({ method: "POST", path, headers, body, repeat: token ? "always" : "never" }, transport.pace(signal));
}

function bodyOf({ text }: Answer): Readonly<Record<string, unknown>> {
  return JSON.parse(text) as Record<string, unknown>;
}

function infoOf(body: Readonly<Record<string, unknown>>): LockInfo {
  return {
    fencing: Number(body["fencing"] ?? 0),
    owner: string(body["owner"]) ?? "",
    by: string(body["by"]) ?? "",
    expiresAt: string(body["expires_at"]) ?? "",
  };
}

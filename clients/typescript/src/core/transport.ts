import { present } from "./members.js";
import { Pace, RETRY, sleep, type RetryPolicy, type Sleep } from "./retry.js";
import { problemOf } from "./refusal.js";
import { TransportError, type Problem } from "./problem.js";

export interface ClientOptions {
  /** Where the server is, with the path in front of `/api` if there is one: `https://example.org/data`. */
  readonly url: string;
  /** A bearer token, or what fetches one; it is asked before each request. */
  readonly token?: string | (() => string | Promise<string>);
  /** Who acts, where the server knows no tokens. */
  readonly actor?: string;
  /** The space to work in; the default one if absent. */
  readonly space?: string;
  /** The path of collections on another server; `api` if absent. */
  readonly path?: string;
  readonly fetch?: typeof fetch;
  readonly retry?: Partial<RetryPolicy>;
  /** Numbers from 0 to 1, for pauses; `Math.random` if absent. */
  readonly random?: () => number;
  readonly sleep?: Sleep;
}

/** What belongs to one call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A request, to be sent once or several times. */
export interface Sending {
  readonly method: "GET" | "PUT" | "PATCH" | "POST" | "DELETE";
  /** The names of the path behind `/api`. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** JSON. */
  readonly body?: string;
  /**
   * When a write may be sent again after its answer was lost: always, since it would change nothing the second time or has
   * a condition that its performance made false; on servers that keep keys; or never. Always, if absent.
   */
  readonly repeat?: "always" | "keyed" | "never";
}

/** A complete answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Whether an earlier attempt, whose answer was lost, may have been performed on a server that keeps no keys. */
  readonly inDoubt: boolean;
}

type Sent =
  | { readonly kind: "answered"; readonly answer: Answer }
  /** It was not performed; the server asks for it again after this time. */
  | { readonly kind: "later"; readonly answer: Answer; readonly afterMs: number }
  | { readonly kind: "lost"; readonly cause: unknown };

/** @throws TypeError for what is a step in the path of a URL, and no name. */
export function mustBeNames(path: readonly string[]): void {
  const step = path.find((name) => name === "" || name === "." || name === "..");
  if (step !== undefined) throw new TypeError(`"${step}" cannot be a part of a path`);
}

/** Sends requests, and sends them again where that is safe. */
export class Transport {
  readonly #base: string;
  readonly #fetch: typeof fetch;
  readonly #policy: RetryPolicy;
  #keepsKeys: Promise<boolean> | undefined;

  constructor(private readonly options: ClientOptions) {
    this.#base = options.url.replace(/\/+$/, "");
    // Called without `this`, as browsers want it.
    const given = options.fetch ?? globalThis.fetch;
    this.#fetch = (input, init) => given(input, init);
    this.#policy = { ...RETRY, ...options.retry };
  }

  pace(signal?: AbortSignal): Pace {
    return new Pace(this.#policy, this.options.random ?? Math.random, this.options.sleep ?? sleep, signal);
  }

  /** The path of a resource, from `/api` on. */
  pathOf(path: readonly string[]): string {
    mustBeNames(path);
    const { space, path: api = "api" } = this.options;
    const all = [...(space === undefined ? [] : ["spaces", space]), ...api.split("/").filter(Boolean), ...path];
    return all.map((name) => `/${encodeURIComponent(name)}`).join("");
  }

  url(path: readonly string[], query: Sending["query"] = {}): string {
    const search = new URLSearchParams(present(query)).toString();
    return this.#base + this.pathOf(path) + (search && `?${search}`);
  }

  /** The header fields that say who asks, and those given. */
  async headers(given: NonNullable<Sending["headers"]> = {}): Promise<Record<string, string>> {
    const { token, actor } = this.options;
    const secret = typeof token === "function" ? await token() : token;
    const all = { ...(secret && { Authorization: `Bearer ${secret}` }), ...(actor && { "X-Actor": utf8(actor) }), ...given };
    return present(all);
  }

  /** Opens a stream. Nothing is tried again. */
  async open(sending: Sending, signal?: AbortSignal): Promise<Response> {
    const headers = await this.headers(sending.headers);
    return this.#fetch(this.url(sending.path, sending.query), { headers, cache: "no-store", ...(signal && { signal }) });
  }

  /**
   * Sends a request until there is an answer to go by.
   *
   * A write whose answer is lost is sent again with its key, and the server tells what became of the first attempt. On a
   * server without keys it is sent again only if it has a condition that its first performance made false.
   *
   * @throws TransportError; `uncertain` if it may have been performed.
   */
  async send(sending: Sending, pace: Pace): Promise<Answer> {
    const isRead = sending.method === "GET";
    let wasLost = false;
    let inDoubt = false;
    for (;;) {
      const sent = await this.#sendOnce(sending, pace);
      if (sent.kind === "answered") {
        pace.answered();
        return { ...sent.answer, inDoubt };
      }
      if (sent.kind === "lost" && !isRead) {
        wasLost = true;
        const { repeat = "always" } = sending;
        inDoubt = repeat === "never" || !(await this.#hasKeys(pace));
        if (inDoubt && repeat !== "always") throw lost(sent.cause);
      }
      if (await pace.failed(sent.kind === "later" ? sent.afterMs : 0)) continue;
      if (sent.kind === "later" && !wasLost) return { ...sent.answer, inDoubt };
      const cause = sent.kind === "lost" ? sent.cause : problemOf(sent.answer);
      throw new TransportError("no answer came", wasLost, { cause });
    }
  }

  async #sendOnce(sending: Sending, pace: Pace): Promise<Sent> {
    const { method, body } = sending;
    const signal = this.#patience(pace);
    const type = body === undefined ? undefined : "application/json";
    // What cannot be sent at all is a mistake of the caller, and no lost answer.
    const url = this.url(sending.path, sending.query);
    const headers = new Headers(await this.headers({ "Content-Type": type, ...sending.headers }));
    try {
      const init = { method, headers, cache: "no-store" as const, signal, ...(body !== undefined && { body }) };
      const response = await this.#fetch(url, init);
      const text = await response.text();
      return judge({ status: response.status, headers: response.headers, text, inDoubt: false }, method === "GET");
    } catch (cause) {
      pace.signal?.throwIfAborted();
      return { kind: "lost", cause };
    }
  }

  /** Aborted when the caller has had enough, or when an answer takes too long. */
  #patience({ signal }: Pace): AbortSignal {
    const timeout = AbortSignal.timeout(this.#policy.answerMs);
    return signal ? AbortSignal.any([signal, timeout]) : timeout;
  }

  /** Whether the server performs a request once that comes twice with one Idempotency-Key. Its page of problems tells. */
  #hasKeys(pace: Pace): Promise<boolean> {
    this.#keepsKeys ??= this.#askAboutKeys(pace).catch((error: unknown) => {
      this.#keepsKeys = undefined;
      throw error;
    });
    return this.#keepsKeys;
  }

  async #askAboutKeys(pace: Pace): Promise<boolean> {
    for (;;) {
      try {
        const response = await this.#fetch(`${this.#base}/problems/key-reuse`, { signal: this.#patience(pace) });
        const page = await response.text();
        if (response.status < 500) return response.ok && page.includes("IdempotencyKeyReuse");
      } catch (cause) {
        pace.signal?.throwIfAborted();
        if (!(await pace.failed(0))) throw lost(cause);
        continue;
      }
      if (!(await pace.failed(0))) throw lost(undefined);
    }
  }
}

/** As header fields take it: a character for each byte. */
function utf8(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

function lost(cause: unknown): TransportError {
  return new TransportError("the answer to a write was lost", true, { cause });
}

/** Whether an answer says what became of the request. */
function judge(answer: Answer, isRead: boolean): Sent {
  const problem = answer.status >= 400 ? problemOf(answer) : undefined;
  const afterMs = problem?.retryAfterMs;
  const { status } = answer;
  const later = (ms: number): Sent => ({ kind: "later", answer, afterMs: ms });
  if (status === 408 || status === 429) return later(afterMs ?? 0);
  if (status === 503 && afterMs !== undefined) return later(afterMs);
  if (problem?.kind === "request-in-progress") return later(afterMs ?? 0);
  if (status >= 502 && status <= 504) {
    // Of a proxy, which need not know what the server did.
    return isRead ? later(afterMs ?? 0) : { kind: "lost", cause: problem as Problem };
  }
  return { kind: "answered", answer };
}

/** A key that no other request has. (`randomUUID` is only there in secure contexts.) */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

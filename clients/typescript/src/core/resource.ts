import type { CallOptions, Answer, Sending, Transport } from "./transport.js";
import type { Joined } from "./conflict.js";
import { newKey } from "./transport.js";
import type { Snapshot } from "./doc.js";
import type { Problem } from "./problem.js";
import { ProblemError, TransportError } from "./problem.js";
import { equal } from "./change.js";
import { slice } from "./json_text.js";
import { isExplained, problemOf, saysStale, string } from "./refusal.js";
import type { Pace } from "./retry.js";

/** What a write may be sent with. */
export interface WriteOptions extends CallOptions {
  /** The token of a lock that is held. */
  readonly lock?: string | undefined;
  /** The key by which the server knows the write again; a new one if absent. */
  readonly key?: string | undefined;
}

/** A version, and when it was saved. */
export interface Found {
  readonly snapshot: Snapshot;
  readonly updatedAt: string;
}

/** A write that was performed. */
export interface Applied {
  readonly kind: "applied";
  readonly stored: Snapshot;
  readonly updatedAt: string;
  readonly isMerged: boolean;
  /** The base of the edit and the version that it was merged with, and what strategies joined. */
  readonly merge?: { readonly versions: readonly [number, number]; readonly joined: Joined[] } | undefined;
}

/** A write that came too late. */
export interface Stale {
  readonly kind: "stale";
  readonly problem: Problem;
  /** What is stored now; absent if it was deleted. */
  readonly theirs?: Snapshot;
  /** Whether the server said so itself, and can merge. */
  readonly isExplained: boolean;
}

/** What a deletion leaves. */
export const NOTHING: Snapshot = { text: "null", etag: "", version: 0 };

/** A deletion that was performed. */
const GONE: Applied = { kind: "applied", stored: NOTHING, updatedAt: "", isMerged: false };

/** What is sent, and what it rests on. */
export interface Write {
  readonly method: "PUT" | "PATCH" | "DELETE";
  readonly text?: string;
  /** Members of the condition, such as `If-Match`. */
  readonly condition: Readonly<Record<string, string>>;
  readonly prefer?: "conflict=merge" | "conflict=reject";
  readonly type?: string;
}

/** One document over HTTP, without its type. */
export class Resource {
  constructor(
    readonly transport: Transport,
    readonly collection: string,
    readonly id: string,
  ) {}

  get path(): readonly string[] {
    return [this.collection, this.id];
  }

  /** The current version, or a past one; `undefined` if there is none, or if it is a deletion. */
  async read(pace: Pace, version?: number): Promise<Found | undefined> {
    const answer = await this.#get(pace, version);
    return isGone(answer) ? undefined : found(success(answer));
  }

  /** The current version. There must be one. */
  async needed(pace: Pace): Promise<Found> {
    return found(success(await this.#get(pace)));
  }

  #get(pace: Pace, version?: number): Promise<Answer> {
    const path = version === undefined ? this.path : [...this.path, "versions", String(version)];
    return this.transport.send({ method: "GET", path }, pace);
  }

  /**
   * Sends a write.
   *
   * @throws ProblemError if it was refused for another reason than that somebody was faster.
   */
  async write(write: Write, options: WriteOptions, pace: Pace): Promise<Applied | Stale> {
    const { method, text, condition, prefer, type } = write;
    const answer = await this.transport.send(
      {
        method,
        path: this.path,
        headers: { ...condition, ...fields(options), Prefer: prefer, ...(type && { "Content-Type": type }) },
        ...(text !== undefined && { body: text }),
        // A tag no longer matches once the write was performed; `*` would match whatever came after it.
        repeat: condition["If-None-Match"] !== "*" && (condition["If-Match"] ?? "*") === "*" ? "keyed" : "always",
      },
      pace,
    );
    if (answer.status < 300) return this.#applied(answer, write, pace);
    return this.#settle(answer, write, pace);
  }

  /** Asks the server to merge: a document, its base, and what was decided. */
  merge(body: string, dryRun: boolean, options: WriteOptions, pace: Pace): Promise<Answer> {
    const query = dryRun ? { dry_run: "true" } : {};
    const headers = dryRun ? {} : fields(options);
    return this.transport.send({ method: "POST", path: [...this.path, "merge"], query, headers, body, repeat: "keyed" }, pace);
  }

  /** The version that an answer holds: one of a merge, which carries its document. */
  async stored(answer: Answer, pace: Pace): Promise<Applied> {
    const { headers } = answer;
    const tag = headers.get("etag") ?? headers.get("merged-etag");
    const versions = headers.get("merged-versions")?.split("..").map(Number) as [number, number] | undefined;
    const merge = versions && {
      versions,
      joined: JSON.parse(`[${headers.get("merged-places") ?? ""}]`) as Joined[],
    };
    const { snapshot, updatedAt } = tag && answer.text ? found(answer, undefined, tag) : await this.needed(pace);
    return { kind: "applied", stored: snapshot, updatedAt, merge, isMerged: headers.has("merged-etag") || merge !== undefined };
  }

  async #applied(answer: Answer, { method, text }: Write, pace: Pace): Promise<Applied> {
    const tag = answer.headers.get("etag");
    if (method === "PUT" && tag !== null && text !== undefined) {
      // What was sent is what is stored: only then may the answer to a PUT have a tag (RFC 9110, section 9.3.4).
      const { snapshot, updatedAt } = found(answer, text);
      return { kind: "applied", stored: snapshot, updatedAt, isMerged: false };
    }
    if (method === "DELETE") return GONE;
    return this.stored(answer, pace);
  }

  /** What a refusal means: too late, or another reason; or that an attempt whose answer was lost was performed. */
  async #settle(answer: Answer, { method, text, condition }: Write, pace: Pace): Promise<Applied | Stale> {
    if (answer.inDoubt && method === "DELETE" && isGone(answer)) return GONE;
    const stale = await this.refused(answer, condition["If-Match"], pace);
    const { theirs } = stale;
    if (answer.inDoubt) {
      const isMine = theirs ? text !== undefined && equal(JSON.parse(theirs.text), JSON.parse(text)) : method === "DELETE";
      if (!isMine) throw new TransportError("the answer to a write was lost, and somebody has saved since", true);
      return theirs ? { ...GONE, stored: theirs } : GONE;
    }
    return stale;
  }

  /**
   * What somebody saved in between, by the refusal or by a read.
   *
   * @throws ProblemError if nobody did: what was refused broke a rule.
   */
  async refused(answer: Answer, tag: string | undefined, pace: Pace): Promise<Stale> {
    const problem = problemOf(answer);
    if (problem.status !== 409 && problem.status !== 412) throw new ProblemError(problem);
    if (problem.kind === "deleted") return { kind: "stale", problem, isExplained: true };
    const isPlain = problem.kind === String(problem.status);
    if (!isPlain && !saysStale(problem)) throw new ProblemError(problem);
    const theirs = told(problem) ?? (await this.#seen(pace));
    // A server that says 409 for all: if the document is as it was, a rule spoke.
    if (isPlain && !answer.inDoubt && theirs?.etag === tag) throw new ProblemError(problem);
    return { kind: "stale", problem, ...(theirs && { theirs }), isExplained: isExplained(problem) };
  }

  /** The current version, if the caller may read it. */
  async #seen(pace: Pace): Promise<Snapshot | undefined> {
    try {
      return (await this.read(pace))?.snapshot;
    } catch (error) {
      if (error instanceof ProblemError && error.problem.status === 403) return undefined;
      throw error;
    }
  }
}

/** The current version, if the refusal holds it. */
export function told(problem: Problem): Snapshot | undefined {
  const etag = string(problem.body["current_etag"]);
  const text = "current" in problem.body ? slice(problem.text, ["current"]) : undefined;
  if (etag === undefined || text === undefined || text === "null") return undefined;
  return { text, etag, version: Number(problem.body["current_version"] ?? 0) };
}

export function success(answer: Answer): Answer {
  if (answer.status >= 300) throw new ProblemError(problemOf(answer));
  return answer;
}

export function fields({ lock, key }: WriteOptions): NonNullable<Sending["headers"]> {
  return { "Lock-Token": lock, "Idempotency-Key": `"${key ?? newKey()}"` };
}

function isGone({ status }: Answer): boolean {
  return status === 404 || status === 410;
}

function found({ headers, text: body }: Answer, text = body, tag = headers.get("etag")): Found {
  if (tag === null) throw new TransportError("the server gives no ETag, which guards documents", false);
  const modified = headers.get("last-modified");
  const version = headers.get("document-version");
  // Detente's tag of a compressed representation names the same version as the plain one.
  const etag = version === null ? tag : tag.replace(/\+gzip"$/, '"');
  return {
    snapshot: { text, etag, version: Number(version ?? 0) },
    updatedAt: modified === null ? "" : new Date(modified).toISOString(),
  };
}

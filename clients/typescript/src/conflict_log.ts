import type { Choices, FieldConflict } from "./core/conflict.js";
import type { Doc } from "./core/doc.js";
import { isObject } from "./core/pointer.js";
import { fields, Resource, success, type WriteOptions } from "./core/resource.js";
import { docOf } from "./core/snapshot.js";
import type { CallOptions, Transport } from "./core/transport.js";

/** A write that was refused because of others', as a list tells it. */
export interface LogEntry {
  readonly id: string;
  readonly href: string;
  readonly at: string;
  readonly by: string;
  readonly method: string;
  readonly collection: string;
  readonly document: string;
  readonly documentHref: string;
  /** The problem that the write got, such as `stale-version`. */
  readonly kind: string;
  readonly paths: string[];
  readonly baseVersion: number | null;
  readonly currentVersion: number | null;
  readonly outcome: "open" | "resolved" | "dismissed";
  readonly settledAt?: string;
  readonly settledBy?: string;
  /** `null` if it was dismissed. */
  readonly settledVersion?: number | null;
  /** Why it was dismissed, if somebody said so. */
  readonly settledReason?: string;
}

/** One with its edit, and what that met. */
export interface LogEntryWhole extends LogEntry {
  readonly edit: { readonly document?: unknown; readonly mergePatch?: unknown; readonly jsonPatch?: unknown; readonly deletion?: true };
  readonly base?: unknown;
  readonly current?: unknown;
  readonly conflicts?: FieldConflict[];
}

export interface LogFilters {
  readonly collection?: string;
  readonly document?: string;
  readonly by?: string;
  readonly kind?: string;
  /** Only writes whose `User-Agent` contains this. */
  readonly agent?: string;
  readonly notAgent?: string;
  /** From this time on, RFC 3339; and before `until`. */
  readonly since?: string;
  readonly until?: string;
}

export interface LogOptions extends LogFilters, CallOptions {
  readonly outcome?: LogEntry["outcome"];
  readonly limit?: number;
  readonly cursor?: string;
}

export interface DismissOptions extends WriteOptions {
  /** Why, for whoever looks into the log later: 1 to 1000 characters. */
  readonly reason?: string;
}

/** What the log adds up to in a span of time. */
export interface Stats {
  readonly since: string;
  readonly until: string;
  readonly conflicts: number;
  readonly perHour: number;
  readonly merged: number;
  /** merges / (merges + conflicts); `null` if there were neither. */
  readonly shareMerged: number | null;
  readonly open: number;
  readonly resolved: number;
  readonly dismissed: number;
  readonly medianResolutionS: number | null;
  readonly byCollection: { readonly collection: string; readonly count: number; readonly perHour: number }[];
  readonly byDocument: { readonly document: string; readonly count: number; readonly perHour: number }[];
  readonly byPath: { readonly path: string; readonly count: number; readonly perHour: number }[];
  readonly byActor: { readonly by: string; readonly count: number; readonly perHour: number }[];
  readonly byKind: { readonly kind: string; readonly count: number; readonly perHour: number }[];
  readonly byHour: { readonly hour: string; readonly conflicts: number; readonly merged: number }[];
}

/** The refused writes that the server keeps, with their edits. */
export class ConflictLog {
  constructor(private readonly transport: Transport) {}

  /** A page, the newest first. */
  async list(options: LogOptions = {}): Promise<{ items: LogEntry[]; next: string | null }> {
    const { limit, cursor, outcome, signal, ...filters } = options;
    const query = { ...queryOf(filters), outcome, limit: limit?.toString(), cursor };
    const body = await this.#read([], query, signal);
    const rows = Array.isArray(body["items"]) ? body["items"] : [];
    return { items: rows.map((row) => cased(row) as LogEntry), next: (body["next"] ?? null) as string | null };
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<LogEntryWhole> {
    return cased(await this.#read([id], {}, signal)) as LogEntryWhole;
  }

  /**
   * Stores the edit after all, merged with what is current now. `undefined` if it deleted the document.
   *
   * @throws ProblemError if a place in conflict has no choice, a rule refuses the result, or somebody settled the entry.
   */
  async resolve(
    id: string,
    { choices, current, ...options }: WriteOptions & { readonly choices?: Choices; readonly current?: string | number },
  ): Promise<Doc | undefined> {
    const { collection, document } = await this.get(id, options);
    const answer = await this.#post([id, "resolve"], JSON.stringify({ choices, current }), {}, options);
    if (answer.status === 204 && !answer.headers.has("etag") && !answer.headers.has("merged-etag")) return undefined;
    const resource = new Resource(this.transport, collection, document);
    const { stored, updatedAt } = await resource.stored(answer, this.transport.pace(options.signal));
    return docOf(document, stored, { updatedAt });
  }

  /** Gives the edit up. It can still be read. */
  async dismiss(id: string, { reason, ...options }: DismissOptions = {}): Promise<LogEntryWhole> {
    const answer = await this.#post([id, "resolve"], JSON.stringify({ dismiss: true, reason }), {}, options);
    return cased(JSON.parse(answer.text)) as LogEntryWhole;
  }

  /** Gives up all open edits that match, the newest first, at most 1000 at a time. */
  async dismissAll(
    filters: LogFilters,
    { reason, ...options }: DismissOptions = {},
  ): Promise<{ dismissed: number; more: boolean }> {
    const query = { ...queryOf(filters), limit: "1000" };
    // Servers that know of no reason take no body.
    const body = reason === undefined ? undefined : JSON.stringify({ reason });
    const answer = await this.#post(["dismiss"], body, query, options);
    return JSON.parse(answer.text) as { dismissed: number; more: boolean };
  }

  /** The last day, unless `since` says otherwise. */
  async stats(options: Pick<LogFilters, "since" | "until" | "agent" | "notAgent"> & CallOptions = {}): Promise<Stats> {
    const { signal, ...filters } = options;
    return cased(await this.#read(["stats"], queryOf(filters), signal)) as Stats;
  }

  async #read(path: readonly string[], query: Query, signal: AbortSignal | undefined): Promise<Record<string, unknown>> {
    const sending = { method: "GET", path: ["_conflicts", ...path], query } as const;
    const answer = success(await this.transport.send(sending, this.transport.pace(signal)));
    return JSON.parse(answer.text) as Record<string, unknown>;
  }

  async #post(path: readonly string[], body: string | undefined, query: Query, options: WriteOptions) {
    const sending = {
      method: "POST",
      path: ["_conflicts", ...path],
      query,
      headers: fields(options),
      repeat: "keyed",
      ...(body !== undefined && { body }),
    } as const;
    return success(await this.transport.send(sending, this.transport.pace(options.signal)));
  }
}

type Query = Record<string, string | undefined>;

function queryOf({ notAgent, ...filters }: LogFilters): Query {
  return { ...filters, not_agent: notAgent };
}

/** What is the documents' own, and keeps its names. */
const CONTENT = new Set(["document", "merge_patch", "json_patch", "base", "current", "conflicts"]);

/** A body with the names of its members as JavaScript has them. */
function cased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cased);
  if (!isObject(value)) return value;
  const name = (text: string) => text.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const members = Object.entries(value);
  return Object.fromEntries(members.map(([key, member]) => [name(key), CONTENT.has(key) ? member : cased(member)]));
}

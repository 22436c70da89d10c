import { changes } from "./change.js";
import { ConflictError, ProblemError } from "./problem.js";
import { conflictOf } from "./stale.js";
import { docOf, snapshotOf } from "./snapshot.js";
import { Draft, type DraftRecord } from "./draft.js";
import { splice } from "./json_text.js";
import { fields, Resource, success, type Applied, type Stale, type Write, type WriteOptions } from "./resource.js";
import { newKey, type CallOptions, type Transport } from "./transport.js";
import type { Doc, Etag, Snapshot } from "./doc.js";
import type { Pace } from "./retry.js";

/** The version that a write expects, or `*` to overwrite whatever is there. */
export interface Expected extends WriteOptions {
  readonly ifMatch: Etag | "*";
}

/** The documents of one kind. */
export class Collection<T = Record<string, unknown>> {
  constructor(
    protected readonly transport: Transport,
    readonly name: string,
  ) {}

  /** The current version; `undefined` if there is none. */
  async get(id: string, { signal }: CallOptions = {}): Promise<Doc<T> | undefined> {
    const read = await this.resource(id).read(this.pace(signal));
    return read && docOf<T>(id, read.snapshot, { updatedAt: read.updatedAt });
  }

  /**
   * Stores a new document, under `id` or under one that the server chooses.
   *
   * @throws ConflictError if there is one with this id.
   */
  async create(value: T, options: WriteOptions & { readonly id?: string } = {}): Promise<Doc<T>> {
    const { id, signal } = options;
    const text = JSON.stringify(value);
    if (id !== undefined) return this.#write(id, { method: "PUT", text, condition: { "If-None-Match": "*" } }, options);
    const pace = this.pace(signal);
    const sending = { method: "POST", path: [this.name], headers: fields(options), body: text, repeat: "keyed" } as const;
    const answer = success(await this.transport.send(sending, pace));
    const place = /([^/?#]+)\/?(?:[?#]|$)/.exec(answer.headers.get("location") ?? "")?.[1];
    if (place === undefined) throw new TypeError("the server does not say where it is");
    const created = decodeURIComponent(place);
    const resource = this.resource(created);
    const { stored, updatedAt } = answer.headers.has("document-version")
      ? await resource.stored(answer, pace)
      : await resource.needed(pace).then(({ snapshot, updatedAt }) => ({ stored: snapshot, updatedAt }));
    return docOf(created, stored, { updatedAt });
  }

  /**
   * Replaces a document, without a merge and without another attempt.
   *
   * @throws ConflictError if `ifMatch` does not name the current version.
   */
  put(id: string, value: T, options: Expected): Promise<Doc<T>> {
    const text = JSON.stringify(value);
    return this.#write(id, { method: "PUT", text, condition: { "If-Match": options.ifMatch } }, options);
  }

  /**
   * Changes a document by a JSON Merge Patch (RFC 7396), without a merge and without another attempt.
   *
   * @throws ConflictError if `ifMatch` does not name the current version.
   */
  patch(id: string, patch: Readonly<Record<string, unknown>>, options: Expected): Promise<Doc<T>> {
    const type = "application/merge-patch+json";
    const text = JSON.stringify(patch);
    return this.#write(id, { method: "PATCH", text, type, condition: { "If-Match": options.ifMatch } }, options);
  }

  /**
   * Deletes a document.
   *
   * @throws ConflictError if `ifMatch` does not name the current version.
   */
  async delete(id: string, options: Expected): Promise<void> {
    const pace = this.pace(options.signal);
    const write: Write = { method: "DELETE", condition: { "If-Match": options.ifMatch } };
    const outcome = await this.resource(id).write(write, options, pace);
    if (outcome.kind === "stale") throw this.#conflict(id, outcome, undefined, undefined, 1);
  }

  /**
   * Makes a change that holds whatever the document says: "one more", "add this line". If somebody else is faster, it is
   * made again on what they saved. `change` may alter the value that it gets, or return another.
   *
   * What a person typed is no such change, for the last one would win: see {@link edit}.
   *
   * @throws ConflictError if others were faster at every attempt.
   */
  async update(
    id: string,
    change: (value: T) => T | void | Promise<T | void>,
    options: Omit<WriteOptions, "key"> = {},
  ): Promise<Doc<T>> {
    const pace = this.pace(options.signal);
    const resource = this.resource(id);
    let { snapshot: base, updatedAt } = await resource.needed(pace);
    // One key for all attempts: a refused one did nothing.
    for (;;) {
      const value = JSON.parse(base.text) as T;
      const changed = (await change(value)) ?? value;
      const text = splice(base.text, changes(JSON.parse(base.text), changed));
      if (text === base.text) return docOf(id, base, { updatedAt });
      const write: Write = { method: "PUT", text, condition: { "If-Match": base.etag }, prefer: "conflict=reject" };
      const outcome = await resource.write(write, { ...options, key: newKey() }, pace);
      if (outcome.kind === "applied") return docOf(id, outcome.stored, { updatedAt: outcome.updatedAt });
      if (!outcome.theirs && outcome.problem.kind === "deleted") throw new ProblemError(outcome.problem);
      if (!(await pace.collided())) throw this.#conflict(id, outcome, base, changed, pace.collisions);
      // After a pause the document in the refusal is old.
      const isNew = outcome.theirs !== undefined && pace.collisions === 1;
      if (isNew) base = outcome.theirs as Snapshot;
      else ({ snapshot: base, updatedAt } = await resource.needed(pace));
    }
  }

  /** Begins what a person edits, from the current version or from a document that was read. */
  async edit(from: string | Doc<T>, options: WriteOptions = {}): Promise<Draft<T>> {
    if (typeof from !== "string") return this.#draft(from.id, snapshotOf(from), from, undefined);
    const { snapshot, updatedAt } = await this.resource(from).needed(this.pace(options.signal));
    return this.#draft(from, snapshot, { updatedAt }, undefined);
  }

  /** Goes on with an edit that was kept, as {@link Draft.record} gave it. */
  resume({ id, base, value, from }: DraftRecord<T>): Draft<T> {
    return this.#draft(id, base, {}, value, from);
  }

  async #write(id: string, write: Write, options: WriteOptions): Promise<Doc<T>> {
    const outcome: Applied | Stale = await this.resource(id).write(write, options, this.pace(options.signal));
    if (outcome.kind === "applied") return docOf(id, outcome.stored, { updatedAt: outcome.updatedAt });
    throw this.#conflict(id, outcome, undefined, write.text && JSON.parse(write.text), 1);
  }

  #conflict(id: string, stale: Stale, base: Snapshot | undefined, mine: unknown, attempts: number): ConflictError<T> {
    return new ConflictError(conflictOf<T>(id, stale, base, mine as T), attempts);
  }

  #draft(id: string, base: Snapshot, facts: Partial<Doc>, value: T | undefined, from?: T): Draft<T> {
    return new Draft(this.resource(id), base, facts, value, from);
  }

  protected resource(id: string): Resource {
    return new Resource(this.transport, this.name, id);
  }

  protected pace(signal: AbortSignal | undefined): Pace {
    return this.transport.pace(signal);
  }
}

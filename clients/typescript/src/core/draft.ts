import { changes, withChanges } from "./change.js";
import { compare, decide } from "./compare.js";
import type { Choices, Conflict, Preview, Saved } from "./conflict.js";
import type { Doc, Row, Snapshot } from "./doc.js";
import { splice } from "./json_text.js";
import { pointer } from "./pointer.js";
import { fieldsOf, joinedOf, problemOf, saysStale, string, unsaid } from "./refusal.js";
import { success, type Applied, type Resource, type Stale, type WriteOptions } from "./resource.js";
import { docOf, snapshotOf } from "./snapshot.js";
import { conflictOf } from "./stale.js";
import { newKey, type Answer, type CallOptions } from "./transport.js";
import type { Pace } from "./retry.js";

/** An edit as it can be kept: JSON, enough to go on after a crash. */
export interface DraftRecord<T = unknown> {
  readonly id: string;
  readonly base: Snapshot;
  readonly value: T;
  /** What of the value is stored already, where that is not the base: only the rest is to be saved. */
  readonly from?: T;
}

/** An edit at one moment, for whatever shows it. The same object as long as nothing changes. */
export interface DraftState<T = unknown> {
  /** The document as the person wants it. */
  readonly value: T;
  readonly base: Doc<T>;
  /** The newest version that is known; absent if the document was deleted. */
  readonly head: Doc<T> | undefined;
  readonly stale: boolean;
  /** JSON Pointers of what the person changed. */
  readonly touched: string[];
  /** JSON Pointers of what others changed since. */
  readonly theirs: string[];
  readonly saving: boolean;
}

export interface SaveOptions extends WriteOptions {
  /** Whether the server may merge the edit with others. It may, if absent. */
  readonly merge?: boolean;
}

export interface ResolveOptions extends WriteOptions {
  /** The tag of the version that was decided on; that of the last conflict, if absent. */
  readonly current?: string;
}

/** What a merge is asked with. */
interface Decision {
  readonly choices?: Choices;
  /** The version that was decided on. */
  readonly current?: string;
}

/**
 * What a person edits: the version that they began from, and the document as they want it.
 *
 * A save is merged with whatever came in between: by Detente with the strategy of each place, on other servers where the
 * two sides changed different places. What collides is a conflict for somebody to decide, and the draft stays as it is.
 */
export class Draft<T = unknown> {
  #base: Doc<T>;
  #value: T;
  #head: Doc<T> | undefined;
  #conflict: Stale | undefined;
  #saving = false;
  /** What the save that is under way sends. */
  #sent: T | undefined;
  /** What was stored of the value, while the rest collides with what was merged in. */
  #from: T | undefined;
  #state: DraftState<T> | undefined;
  /** The write whose outcome is not known, and its key: sent again, it is the same write. */
  #asked: { readonly text: string; readonly key: string } | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly resource: Resource,
    base: Snapshot,
    facts: Partial<Doc>,
    value: T | undefined,
    from?: T,
  ) {
    this.#base = this.#docOf(base, facts);
    this.#value = value === undefined ? (JSON.parse(base.text) as T) : value;
    this.#head = this.#base;
    this.#from = from;
  }

  get id(): string {
    return this.resource.id;
  }

  get collection(): string {
    return this.resource.collection;
  }

  /** What the edit began from; what is stored, once it is saved. */
  get base(): Doc<T> {
    return this.#base;
  }

  /** The newest version that is known; `undefined` if the document was deleted. */
  get head(): Doc<T> | undefined {
    return this.#head;
  }

  /** The document as the person wants it. Set it to a new value, or {@link change} it in place. */
  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    this.#value = value;
    this.#changed();
  }

  /** Changes the value in place. */
  change(edit: (value: T) => void): void {
    edit(this.#value);
    this.#changed();
  }

  get stale(): boolean {
    return this.#head?.etag !== this.#base.etag;
  }

  /** JSON Pointers of what the person changed. */
  get touched(): string[] {
    return this.#places(this.#before, this.#value);
  }

  /** Enough to go on with {@link Collection.resume} after a crash. */
  record(): DraftRecord<T> {
    return { id: this.id, base: snapshotOf(this.#base), value: this.#value, ...(this.#from !== undefined && { from: this.#from }) };
  }

  /** Tells of a version that somebody saved, as `watch` gives it. An older one is ignored. */
  learn(row: Row<T>): void {
    const known = Math.max(this.#head?.version ?? 0, this.#base.version);
    if (row.id !== this.id || row.version <= known) return;
    this.#head = row.doc;
    this.#changed();
  }

  /** Calls `listener` after each change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  getSnapshot(): DraftState<T> {
    return (this.#state ??= {
      value: this.#value,
      base: this.#base,
      head: this.#head,
      stale: this.stale,
      touched: this.touched,
      theirs: this.#head ? this.#places(this.#base.value, this.#head.value) : [""],
      saving: this.#saving,
    });
  }

  /** Goes on from `doc`, which was stored when the edit was sent as `sent`. What was typed since is an edit of that. */
  advance(doc: Doc<T>, sent: T): void {
    const { ours, conflicts } = compare(sent, this.#value, doc.value);
    if (conflicts.length === 0) return this.#begin(snapshotOf(doc), doc, withChanges(doc.value, ours));
    // It collides with what was merged in: the next save asks, and does not send again what is stored.
    this.#from = structuredClone(sent);
    if (!this.#head || this.#head.version <= doc.version) this.#head = doc;
    this.#changed();
  }

  /** Forgets the listeners. */
  close(): void {
    this.#listeners.clear();
  }

  /** What a save would store, with these choices. Nothing is written. */
  async preview(options: CallOptions & Decision = {}): Promise<Preview<T>> {
    const pace = this.resource.transport.pace(options.signal);
    if (this.#from !== undefined) return this.#compare(options, pace);
    const { choices, current: decided = this.#conflict?.theirs?.etag } = options;
    const question = choices && decided !== undefined ? { choices, current: decided } : {};
    const answer = await this.resource.merge(this.#question(question), true, {}, pace);
    if (knowsNoMerging(answer)) return this.#compare(options, pace);
    const problem = problemOf(answer);
    if (problem.kind === "deleted") return { kind: "conflict", conflict: this.#found({ kind: "stale", problem, isExplained: true }) };
    // It does not have the base, but we do.
    if (saysStale(problem)) return this.#compare(options, pace);
    const { body } = success(answer) && problem;
    const current = string(body["current_etag"]) ?? "";
    const document = body["document"] as T;
    if (fieldsOf(body).length === 0) {
      const kind = this.touched.length === 0 ? "unchanged" : "clean";
      return { kind, value: document, current, joined: joinedOf(body) };
    }
    const version = Number(body["current_version"] ?? 0);
    const theirs = (await this.resource.read(pace, version))?.snapshot;
    // A preview is no refusal, but tells the same.
    const conflict = this.#found({ kind: "stale", problem, ...(theirs && { theirs }), isExplained: true });
    return { kind: "conflict", conflict: { ...conflict, merged: document } };
  }

  /** Takes into the draft what others saved. If that collides, the draft stays as it is. */
  async refresh(options: CallOptions = {}): Promise<Preview<T>> {
    const before = this.#value;
    const text = this.#text();
    const preview = await this.preview(options);
    if (preview.kind === "conflict" || preview.current === this.#base.etag) return preview;
    const pace = this.resource.transport.pace(options.signal);
    const { snapshot, updatedAt } = await this.resource.needed(pace);
    // Somebody typed, or saved, while this was under way: nothing of it may be lost.
    if (snapshot.etag !== preview.current || this.#value !== before || this.#text() !== text) return this.refresh(options);
    this.#begin(snapshot, { updatedAt }, preview.value);
    return preview;
  }

  /**
   * Saves the edit. After `saved` and `merged` the draft goes on from what is stored.
   *
   * @throws ProblemError if a rule refuses it, TransportError if no answer came; the draft stays as it is.
   */
  save(options: SaveOptions = {}): Promise<Saved<T>> {
    return this.#exclusively(async (pace) => {
      if (this.#from !== undefined) return this.#rejoin(options, pace);
      const base = snapshotOf(this.#base);
      const text = this.#text();
      if (text === base.text) return this.#unchanged();
      return this.#send(text, base, false, options, pace);
    }, options);
  }

  /**
   * Saves the edit with a choice for each place of the conflict that `save` or `preview` found. If somebody saved in
   * between, what was chosen stands where the values are the same, and the rest is a conflict again.
   */
  resolve(choices: Choices, options: ResolveOptions = {}): Promise<Saved<T>> {
    return this.#exclusively(async (pace) => {
      const stale = this.#conflict;
      const current = options.current ?? stale?.theirs?.etag;
      if (!stale && current === undefined && this.touched.length === 0) return this.#unchanged();
      if (!stale?.isExplained && stale?.theirs && stale.theirs.etag === current) {
        return this.#join(stale.theirs, choices, stale, options, pace);
      }
      if (this.#from !== undefined) return this.#rejoin(options, pace);
      const decision = current === undefined ? {} : { choices, current };
      const question = this.#question(decision);
      const answer = await this.resource.merge(question, false, this.#keyed(question, options), pace);
      if (knowsNoMerging(answer)) return this.#rejoin(options, pace);
      if (answer.status < 300) return this.#saved(await this.resource.stored(answer, pace), true, pace);
      return this.#collided(await this.resource.refused(answer, undefined, pace), pace);
    }, options);
  }

  #unchanged(): Saved<T> {
    return { kind: "unchanged", doc: this.#base, joined: [], attempts: 0 };
  }

  /** Joins the edit with what is stored now; what collides is to be decided. */
  async #rejoin(options: WriteOptions, pace: Pace): Promise<Saved<T>> {
    const stale = await this.#now(pace);
    return stale.theirs ? this.#join(stale.theirs, {}, stale, options, pace) : this.#collided(stale, pace);
  }

  async #send(text: string, base: Snapshot, isMerged: boolean, options: SaveOptions, pace: Pace): Promise<Saved<T>> {
    const isJoinedHere = options.merge === false || this.#from !== undefined;
    const prefer = isJoinedHere ? "conflict=reject" : "conflict=merge";
    const write = { method: "PUT", text, condition: { "If-Match": base.etag }, prefer } as const;
    const outcome = await this.resource.write(write, this.#keyed(base.etag + text, options), pace);
    if (outcome.kind === "applied") return this.#saved(outcome, isMerged, pace);
    if (outcome.isExplained && this.#from === undefined) return this.#collided(outcome, pace);
    if (!(await pace.collided()) || !outcome.theirs) return this.#collided(outcome, pace);
    return this.#join(outcome.theirs, {}, outcome, options, pace);
  }

  /** The options with a key: that of the last attempt, if it asked for the same and its answer never came. */
  #keyed(text: string, options: WriteOptions): WriteOptions {
    if (this.#asked?.text !== text) this.#asked = { text, key: newKey() };
    return { ...options, key: options.key ?? this.#asked.key };
  }

  /** Joins the edit with theirs here, since the server cannot. */
  async #join(theirs: Snapshot, choices: Choices, stale: Stale, options: WriteOptions, pace: Pace): Promise<Saved<T>> {
    const current: unknown = JSON.parse(theirs.text);
    const made = decide(compare(this.#before, this.#value, current), choices);
    if (!made) return this.#collided({ ...stale, theirs, isExplained: false }, pace);
    // Others have saved the same.
    if (made.length === 0) return this.#saved({ kind: "applied", stored: theirs, updatedAt: "", isMerged: true }, true, pace);
    return this.#send(splice(theirs.text, made), theirs, true, options, pace);
  }

  #collided(stale: Stale, pace: Pace): Saved<T> {
    return { kind: "conflict", conflict: this.#found(stale), attempts: pace.collisions + 1 };
  }

  /** Keeps a conflict until somebody decides. */
  #found(stale: Stale): Conflict<T> {
    this.#conflict = stale;
    const base = snapshotOf(this.#base);
    const before = this.#from === undefined ? base : { ...base, text: JSON.stringify(this.#from) };
    const conflict = conflictOf<T>(this.id, stale, before, this.#value);
    const { theirs } = conflict;
    const isNewer = theirs && theirs.version >= (this.#head?.version ?? 0);
    if (isNewer || stale.problem.kind === "deleted") this.#head = theirs;
    this.#changed();
    return conflict;
  }

  #saved({ stored, updatedAt, merge, isMerged }: Applied, wasMerged: boolean, pace: Pace): Saved<T> {
    const doc = this.#docOf(stored, { updatedAt });
    this.advance(doc, this.#sent as T);
    const kind = isMerged || wasMerged ? "merged" : "saved";
    return { kind, doc, joined: [], ...merge, attempts: pace.collisions + 1 };
  }

  #docOf(snapshot: Snapshot, { updatedAt = "", updatedBy = "" }: Partial<Doc>): Doc<T> {
    return docOf(this.id, snapshot, { updatedAt, updatedBy });
  }

  #begin(base: Snapshot, facts: Partial<Doc>, value: T): void {
    const isNewest = !this.#head || this.#head.version <= base.version;
    this.#base = this.#docOf(base, facts);
    this.#value = value;
    this.#from = undefined;
    this.#asked = undefined;
    if (isNewest) this.#head = this.#base;
    this.#conflict = undefined;
    this.#changed();
  }

  async #exclusively(work: (pace: Pace) => Promise<Saved<T>>, { signal }: CallOptions): Promise<Saved<T>> {
    if (this.#saving) throw new TypeError("the draft is being saved");
    this.#saving = true;
    this.#sent = structuredClone(this.#value);
    this.#changed();
    try {
      return await work(this.resource.transport.pace(signal));
    } finally {
      this.#saving = false;
      this.#changed();
    }
  }

  /** Compares here, since the server cannot merge. */
  async #compare({ choices = {} }: Decision, pace: Pace): Promise<Preview<T>> {
    const stale = await this.#now(pace);
    const { theirs } = stale;
    const current = theirs && (JSON.parse(theirs.text) as T);
    const made = theirs && decide(compare(this.#before, this.#value, current), choices);
    if (made) {
      const kind = this.touched.length === 0 ? "unchanged" : "clean";
      return { kind, value: withChanges(current as T, made), current: theirs.etag, joined: [] };
    }
    return { kind: "conflict", conflict: this.#found(stale) };
  }

  /** What is stored, as if a write had been refused for it. */
  async #now(pace: Pace): Promise<Stale> {
    const theirs = (await this.resource.read(pace))?.snapshot;
    const problem = unsaid(theirs ? "stale-version" : "deleted");
    return { kind: "stale", problem, ...(theirs && { theirs }), isExplained: false };
  }

  /** What the person's changes are told from. */
  get #before(): T {
    return this.#from ?? this.#base.value;
  }

  /** The whole document as the person wants it, with all digits that they did not touch. */
  #text(): string {
    return splice(snapshotOf(this.#base).text, changes(this.#base.value, this.#value));
  }

  /** The body of a request to merge. */
  #question({ choices, current }: Decision): string {
    const base = JSON.stringify(this.#base.etag);
    const decided = choices ? `,"choices":${JSON.stringify(choices)},"current":${JSON.stringify(current)}` : "";
    return `{"base":${base},"document":${this.#text()}${decided}}`;
  }

  #places(before: unknown, after: unknown): string[] {
    return changes(before, after).map(({ path }) => pointer(path));
  }

  #changed(): void {
    this.#state = undefined;
    for (const listener of [...this.#listeners]) listener();
  }
}

function knowsNoMerging(answer: Answer): boolean {
  return [404, 405, 501].includes(answer.status) && problemOf(answer).kind === String(answer.status);
}

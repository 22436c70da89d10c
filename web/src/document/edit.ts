import { computed, signal } from "@preact/signals";
import type { Draft, Preview, Row } from "detente-client";
import { overlap } from "../parts/pointer";
import { client } from "../session/session";
import { digitsOf } from "./digits";
import { FormState } from "./form/form-state";
import { jsonText } from "./json-text";
import { forgetDraft, keepDraft, type DocumentName, type KeptDraft } from "./kept-draft";

// Often enough that a crash costs nobody a word; not so often that typing in a large text suffers.
const keepMs = 60;
// To keep a large draft takes so long that it waits for a pause between two keys, but not for ever.
const largeCharacters = 200_000;
const largePauseMs = 90;
const largeWaitMs = 1000;
const compareMs = 80;

/** What somebody edits here: a draft, the form that shows it, and what others saved meanwhile. */
export class Edit {
  readonly form: FormState;
  /** The text of the whole document, while that is what is edited. */
  readonly raw = signal<string | undefined>(undefined);
  readonly base;
  /** The newest version; its `doc` is absent if it is a deletion. */
  readonly head = signal<Row | undefined>(undefined);
  /** The version for which somebody said "Later". */
  readonly laterThan = signal(0);
  readonly isKept = signal(true);
  readonly isTouched = computed(
    () => this.form.marks.value.yours.length > 0 || (this.raw.value !== undefined && this.raw.value !== this.#rawAtFirst),
  );
  readonly isDeleted = computed(() => this.head.value !== undefined && !this.head.value.doc);
  readonly isStale = computed(() => (this.head.value?.version ?? 0) > this.base.value.version);
  #keeping: ReturnType<typeof setTimeout> | undefined;
  #comparing: ReturnType<typeof setTimeout> | undefined;
  #draft: Draft<unknown>;
  #rawAtFirst: string | undefined;
  #isLarge = false;
  /** When the draft is kept at the latest, in milliseconds. */
  #keepBy = 0;

  constructor(
    readonly of: DocumentName,
    draft: Draft<unknown>,
    kept?: KeptDraft,
  ) {
    this.#draft = draft;
    this.base = signal(draft.base);
    this.form = new FormState(draft.value, () => this.#changed());
    this.#began();
    this.raw.value = kept?.raw;
  }

  get draft(): Draft<unknown> {
    return this.#draft;
  }

  /** The document as it was read, with all its digits. */
  get baseText(): string {
    return this.#draft.record().base.text;
  }

  /** Tells of a version that somebody saved. Without an edit of ours there is nothing to keep from it: it is shown. */
  learn(row: Row): void {
    if (row.version <= Math.max(this.head.peek()?.version ?? 0, this.#draft.base.version)) {
      if (row.version === this.base.peek().version && !this.base.peek().updatedBy) this.#name(row);
      return;
    }
    this.form.flush();
    this.head.value = row;
    this.#draft.learn(row);
    this.compare();
    if (row.doc && !this.isTouched.peek() && this.form.unfinished.peek().size === 0) void this.#beginFrom(row.doc);
  }

  /** Takes into the draft what others saved. If that collides, the draft stays as it is. */
  async update(): Promise<Preview<unknown>> {
    this.form.flush();
    const preview = await this.#draft.refresh();
    if (preview.kind !== "conflict") this.began();
    return preview;
  }

  /** Shows the draft again after it has begun anew: from what was saved, or from what others saved. */
  began(): void {
    this.base.value = this.#draft.base;
    this.form.replace(this.#draft.value);
    this.form.violations.value = new Map();
    this.#began();
    if (this.raw.peek() !== undefined) this.enterRaw();
    this.keep();
  }

  /** Gives up what was typed, for the newest version or for this one. */
  async discard(newest = this.head.peek()?.doc ?? this.#draft.base): Promise<void> {
    this.form.flush();
    await this.#beginFrom(newest);
    forgetDraft(this.of);
  }

  /** Writes the draft to where a reload finds it. */
  keep(): void {
    clearTimeout(this.#keeping);
    this.#keeping = undefined;
    this.form.flush();
    this.compare();
    if (!this.isTouched.peek()) {
      forgetDraft(this.of);
      this.isKept.value = true;
      return;
    }
    const raw = this.raw.peek();
    const draft = { record: this.#draft.record(), at: Date.now(), ...(raw !== undefined && { raw }) };
    this.isKept.value = keepDraft(this.of, draft);
  }

  /** Shows the document as text from now on. */
  enterRaw(): void {
    this.form.flush();
    this.#rawAtFirst = jsonText(this.form.value.peek(), this.form.digits.peek());
    this.raw.value = this.#rawAtFirst;
  }

  writeRaw(text: string): void {
    this.raw.value = text;
    this.#keepSoon();
  }

  /** Whether the text, which must be JSON, has no digits but those of the base that a form would round. */
  fitsForm(): boolean {
    const known = this.form.digits.peek();
    const found = digitsOf(this.raw.peek() ?? "{}");
    return [...found].every(([path, digits]) => known.get(path) === digits);
  }

  /** Takes the value that the text has for the draft, which stays text. */
  takeRaw(value: unknown): void {
    this.#draft.value = value;
    this.form.replace(value);
  }

  /** Goes back from the text to the form, with the value that the text has. */
  leaveRaw(value: unknown): void {
    this.raw.value = undefined;
    this.takeRaw(value);
    this.keep();
  }

  /** Sees whose changes are where. */
  compare(): void {
    clearTimeout(this.#comparing);
    this.#comparing = undefined;
    const { touched, theirs, stale } = this.#draft.getSnapshot();
    this.form.marks.value = { yours: touched, theirs: stale ? theirs : [] };
  }

  close(): void {
    if (this.#keeping !== undefined) this.keep();
    clearTimeout(this.#comparing);
    this.#draft.close();
  }

  async #beginFrom(doc: NonNullable<Row["doc"]>): Promise<void> {
    this.#draft.close();
    this.#draft = await client().collection<unknown>(this.of.collection).edit(doc);
    this.base.value = doc;
    this.form.replace(this.#draft.value);
    this.form.violations.value = new Map();
    this.#began();
    if (this.raw.peek() !== undefined) this.enterRaw();
  }

  #began(): void {
    const text = this.baseText;
    this.#isLarge = text.length > largeCharacters;
    this.form.digits.value = digitsOf(text);
    this.compare();
  }

  // The answer to a read does not say who saved the version; the history and the feed do.
  #name(row: Row): void {
    this.base.value = { ...this.base.peek(), updatedBy: row.updatedBy, updatedAt: row.updatedAt };
    this.head.value ??= row;
  }

  #changed(): void {
    this.#draft.value = this.form.value.peek();
    this.#keepSoon();
    this.#comparing ??= setTimeout(() => this.compare(), compareMs);
  }

  #keepSoon(): void {
    const isWaiting = this.#keeping !== undefined;
    if (!this.#isLarge && isWaiting) return;
    const now = Date.now();
    if (!isWaiting) this.#keepBy = now + (this.#isLarge ? largeWaitMs : keepMs);
    clearTimeout(this.#keeping);
    const pauseMs = Math.min(largePauseMs, this.#keepBy - now);
    this.#keeping = setTimeout(() => this.keep(), pauseMs);
  }
}

/** Whether a place has changes of these. */
export function isMarked(places: readonly string[], path: string): boolean {
  return places.some((place) => overlap(place, path));
}

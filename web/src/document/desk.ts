import { computed, signal } from "@preact/signals";
import type { Draft, Row } from "detente-client";
import { go } from "../place";
import { say } from "../parts/live-region";
import { apiUrl } from "../session/api";
import { versionInWords } from "../session/author";
import { client } from "../session/session";
import { sendArrival, takeArrival } from "./arrival";
import { Edit } from "./edit";
import { HeldLock } from "./held-lock";
import { mistakeOf } from "./json-syntax";
import { forgetDraft, type DocumentName, type Offer } from "./kept-draft";
import { newestVersion } from "./newest-version";
import { savedWords } from "./save-notice";
import { Saving, type Outcome } from "./saving";

/** All that belongs to a document while it is open: the edit, the lock, what is known of its versions. */
export class Desk {
  readonly #edit;
  /** A draft from before that nobody has decided about. Until then, nothing can be typed that would replace it. */
  readonly offer;
  readonly lock: HeldLock;
  readonly saving: Saving;
  readonly isWaiting = computed(() => this.offer.value !== undefined);
  readonly #versions = new Map<number, Row>();
  readonly #ended = new AbortController();

  constructor(
    readonly of: DocumentName,
    draft: Draft<unknown>,
    newest: Row,
    offer: Offer | undefined,
  ) {
    this.#edit = signal(new Edit(of, draft));
    this.offer = signal(offer);
    this.lock = new HeldLock(apiUrl([of.collection, of.id, "lock"]));
    this.saving = new Saving({
      edit: () => this.#edit.peek(),
      lockToken: () => this.lock.token,
      whose: (version) => this.#whose(version),
      onConflict: () => this.decide(),
      onOutcome: (outcome) => this.#settled(outcome),
    });
    this.learn(newest);
    addEventListener("pagehide", this.#keep);
    const arrival = takeArrival(of);
    if (arrival?.continues && offer) this.goOn(offer);
    if (arrival?.outcome) this.saving.outcome.value = arrival.outcome;
  }

  get edit(): Edit {
    return this.#edit.value;
  }

  learn(row: Row): void {
    this.#versions.set(row.version, row);
    // Our own save may come through the feed before its answer does.
    if (this.saving.status.peek() !== "saving") this.#edit.peek().learn(row);
  }

  /** Looks for what was saved while nothing was heard. */
  async catchUp(): Promise<void> {
    const newest = await newestVersion(this.of, this.#ended.signal).catch(() => undefined);
    if (newest) this.learn(newest);
  }

  /** Begins anew from what is stored. */
  async reread(): Promise<Row["doc"]> {
    const doc = await client().collection<unknown>(this.of.collection).get(this.of.id);
    if (doc) await this.#edit.peek().discard(doc);
    return doc;
  }

  /** Goes on with a draft that was kept. */
  goOn({ draft, tab }: Offer): void {
    if (!draft.record) return;
    const before = this.#edit.peek();
    const next = new Edit(this.of, client().collection<unknown>(this.of.collection).resume(draft.record), draft);
    for (const row of this.#versions.values()) next.learn(row);
    forgetDraft(this.of, tab);
    next.keep();
    this.#edit.value = next;
    this.offer.value = undefined;
    before.close();
  }

  /** Shows the text as a form again, if a form can hold it. */
  leaveRaw(): void {
    const edit = this.#edit.peek();
    const text = edit.raw.peek() ?? "{}";
    const mistake = mistakeOf(text);
    if (mistake) this.saving.outcome.value = { kind: "unreadable", mistake };
    else if (!edit.fitsForm()) {
      const error = new Error("The text has numbers that a form would round. Save it as text.");
      this.saving.outcome.value = { kind: "failed", error };
    } else {
      this.saving.outcome.value = undefined;
      edit.leaveRaw(JSON.parse(text));
    }
  }

  /** Opens the merge view with what was typed. */
  decide(): void {
    this.#keep();
    sendArrival(this.of, { continues: true });
    go({ at: "merge", ...this.of });
  }

  async save(): Promise<void> {
    if (!this.isWaiting.peek()) await this.saving.save();
  }

  #settled(outcome: Outcome): void {
    for (const row of this.#versions.values()) this.#edit.peek().learn(row);
    say(savedWords(outcome));
    if (outcome.kind !== "refused") return;
    const { kind, status } = outcome.error.problem;
    if (kind === "lock-lost") this.lock.lost();
    if (status === 423) void this.lock.look();
    if (kind === "deleted") void this.catchUp();
  }

  #whose(version: number | undefined): string {
    const row = version === undefined ? undefined : this.#versions.get(version);
    return row ? versionInWords(row) : "what others saved";
  }

  close(): void {
    removeEventListener("pagehide", this.#keep);
    this.#ended.abort();
    this.#edit.peek().close();
    this.saving.close();
    this.lock.close();
  }

  readonly #keep = (): void => {
    if (!this.isWaiting.peek()) this.#edit.peek().keep();
  };
}

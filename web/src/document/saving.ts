import { effect, signal } from "@preact/signals";
import { ProblemError, TransportError, type Joined, type Saved } from "detente-client";
import { isObject } from "../parts/pointer";
import { pauseOf } from "../session/api";
import { connection } from "../session/connection";
import { client } from "../session/session";
import { rememberSave } from "../session/tab";
import type { Edit } from "./edit";
import { mistakeOf, type SyntaxMistake } from "./json-syntax";
import { putText } from "./put-text";

/** What became of the last save. */
export type Outcome =
  | { readonly kind: "saved" | "unchanged"; readonly version: number }
  | {
      readonly kind: "merged";
      readonly version: number;
      /** What it was merged with: "Ana's version 13". */
      readonly theirs: string;
      readonly sent: unknown;
      readonly stored: unknown;
      readonly joined: readonly Joined[];
    }
  | { readonly kind: "refused"; readonly error: ProblemError }
  /** The text is no JSON. */
  | { readonly kind: "unreadable"; readonly mistake: SyntaxMistake }
  /** Fields hold what is no value yet. */
  | { readonly kind: "unfinished"; readonly places: readonly string[] }
  | { readonly kind: "failed"; readonly error: unknown };

/** `waiting`: for the server to be reached; `paused`: it has too much to do, and said for how long. */
type Status = "idle" | "saving" | "waiting" | "paused";

/** Whose edit is saved, and who is told of it. */
interface Owner {
  readonly edit: () => Edit;
  /** The token of the lock that is held. */
  readonly lockToken: () => string | undefined;
  /** Who saved a version, and which it is, in words. */
  readonly whose: (version: number | undefined) => string;
  readonly onConflict: () => void;
  readonly onOutcome: (outcome: Outcome) => void;
}

/** Saves an edit: at once, or as soon as the server can be reached again, or takes it. */
export class Saving {
  readonly status = signal<Status>("idle");
  readonly outcome = signal<Outcome | undefined>(undefined);
  readonly #stop;
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly owner: Owner) {
    this.#stop = effect(() => {
      if (connection.value === "online" && this.status.value === "waiting") void this.save();
    });
  }

  async save(): Promise<void> {
    if (this.status.peek() === "saving") return;
    clearTimeout(this.#pause);
    this.edit.keep();
    this.outcome.value = this.#obstacle();
    if (this.outcome.peek()) return this.#tell();
    if (connection.peek() === "offline") {
      this.status.value = "waiting";
      return;
    }
    this.status.value = "saving";
    let next: Status = "idle";
    try {
      const isText = this.edit.raw.peek() !== undefined && !this.edit.fitsForm();
      await (isText ? this.#sendText() : this.#sendDraft());
    } catch (error) {
      const pauseMs = error instanceof ProblemError ? pauseOf(error.problem) : NaN;
      if (error instanceof TransportError) next = "waiting";
      else if (pauseMs > 0) {
        next = "paused";
        this.#pause = setTimeout(() => void this.save(), pauseMs);
      } else this.refuse(error);
    }
    this.status.value = next;
    this.#tell();
  }

  /** Gives up waiting for the server. */
  cancel(): void {
    clearTimeout(this.#pause);
    if (this.status.peek() !== "saving") this.status.value = "idle";
  }

  refuse(error: unknown): void {
    if (!(error instanceof ProblemError)) {
      this.outcome.value = { kind: "failed", error };
      return;
    }
    this.outcome.value = { kind: "refused", error };
    this.edit.form.violations.value = violationsOf(error);
  }

  close(): void {
    clearTimeout(this.#pause);
    this.#stop();
  }

  #tell(): void {
    const outcome = this.outcome.peek();
    if (outcome) this.owner.onOutcome(outcome);
  }

  private get edit(): Edit {
    return this.owner.edit();
  }

  #obstacle(): Outcome | undefined {
    const raw = this.edit.raw.peek();
    const mistake = raw === undefined ? undefined : mistakeOf(raw);
    if (mistake) return { kind: "unreadable", mistake };
    const places = [...this.edit.form.unfinished.peek().keys()];
    return raw === undefined && places.length > 0 ? { kind: "unfinished", places } : undefined;
  }

  async #sendDraft(): Promise<void> {
    const { draft, raw } = this.edit;
    const text = raw.peek();
    if (text !== undefined) this.edit.takeRaw(JSON.parse(text));
    const sent = structuredClone(draft.value);
    this.#settle(await draft.save({ lock: this.owner.lockToken() }), sent);
  }

  /** Sends the text as it is: it has digits that a draft would round. */
  async #sendText(): Promise<void> {
    const { of, raw, draft } = this.edit;
    const text = raw.peek() ?? "";
    const etag = await putText(of, text, { ifMatch: draft.base.etag, merge: true, lock: this.owner.lockToken() });
    rememberSave(etag);
    const doc = await client().collection<unknown>(of.collection).get(of.id);
    if (!doc) return;
    await this.edit.discard(doc);
    this.outcome.value = { kind: "saved", version: doc.version };
  }

  #settle(saved: Saved<unknown>, sent: unknown): void {
    if (saved.kind === "conflict") {
      this.edit.keep();
      if (saved.conflict.fields.length > 0 && saved.conflict.theirs) this.owner.onConflict();
      else this.refuse(new ProblemError(saved.conflict.problem));
      return;
    }
    const { kind, doc, joined } = saved;
    if (kind !== "unchanged") rememberSave(doc.etag);
    this.edit.began();
    this.outcome.value =
      kind === "merged"
        ? { kind, version: doc.version, theirs: this.owner.whose(saved.versions?.[1]), sent, stored: doc.value, joined }
        : { kind, version: doc.version };
  }
}

/** What a refusal says of single places. */
export function violationsOf({ problem }: ProblemError): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const { violations, fields } = problem.body;
  for (const violation of Array.isArray(violations) ? violations.filter(isObject) : []) {
    const path = violation["path"] ?? pointerOfField(violation["field"]);
    if (typeof path === "string") found.set(path, String(violation["message"] ?? problem.detail));
  }
  if (found.size === 0 && problem.kind === "duplicate-entry" && Array.isArray(fields)) {
    for (const field of fields) found.set(pointerOfField(field) ?? "", problem.detail);
  }
  return found;
}

// A duplicate names top-level members by their names, and others by pointers.
function pointerOfField(field: unknown): string | undefined {
  if (typeof field !== "string") return undefined;
  return field.startsWith("/") ? field : `/${field}`;
}

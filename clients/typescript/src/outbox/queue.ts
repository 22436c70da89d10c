/** What waits for one document, and what becomes of it: values to values. */
import { withChanges } from "../core/change.js";
import { compare } from "../core/compare.js";
import type { Snapshot } from "../core/doc.js";

/** A write that waits. */
export interface Entry {
  /** By which the server knows it again; a new one for another content. */
  readonly key: string;
  readonly action: "edit" | "create" | "delete";
  /** What the edit or the deletion began from. A new document has none. */
  readonly base?: Snapshot;
  /** The document as it should be; absent for a deletion. */
  readonly value?: unknown;
  /**
   * What the edit began from, if that is not `base`: the value of the entry before it, which may be under way and can no
   * longer be changed.
   */
  readonly from?: unknown;
  /** When it was sent first, in milliseconds since 1970: from then on it may have been performed. */
  readonly sentAt?: number;
}

/** Why a document's writes wait for somebody. */
export type Held =
  | { readonly kind: "conflict" }
  /** The server refuses it, and would again. */
  | { readonly kind: "refused"; readonly problem: string; readonly detail: string; readonly status: number };

/** All that waits for one document, in order. */
export interface Queue {
  readonly collection: string;
  readonly id: string;
  readonly entries: readonly Entry[];
  readonly held?: Held;
  /** The last edit that was stored: who still holds its base goes on from here. */
  readonly done?: { readonly base: string; readonly sent: unknown; readonly stored: Snapshot; readonly at: number };
}

/** An edit as it comes from a draft. */
export interface Edit {
  readonly base: Snapshot;
  readonly value: unknown;
}

/** A document that is kept in no version yet. */
export const UNSAVED: Snapshot = { text: "{}", etag: "", version: 0 };

export function withEdit(queue: Queue, edit: Edit, key: string): Queue {
  const last = queue.entries.at(-1);
  const { base, value } = edit;
  if (!last) return replaced(queue, [entryOf(caughtUp(queue, edit), key)]);
  if (last.action === "delete") return replaced(queue, [...queue.entries, { key, action: "create", value }]);
  if (last.sentAt !== undefined) {
    return replaced(queue, [...queue.entries, { key, action: "edit", base, value, from: last.value }]);
  }
  return replaced(queue, [...queue.entries.slice(0, -1), { ...last, key, value }]);
}

export function withCreation(queue: Queue, value: unknown, key: string): Queue {
  return replaced(queue, [...queue.entries, { key, action: "create", value }]);
}

export function withDeletion(queue: Queue, base: Snapshot, key: string): Queue {
  const last = queue.entries.at(-1);
  const before = last && last.sentAt === undefined ? queue.entries.slice(0, -1) : queue.entries;
  // What was never sent need not be.
  if (before.length < queue.entries.length && last?.action === "create") return replaced(queue, before);
  const from = before.at(-1)?.value;
  const first = last && last.sentAt === undefined ? (last.base ?? base) : base;
  return replaced(queue, [...before, { key, action: "delete", base: first, ...(from !== undefined && { from }) }]);
}

/** The first entry is about to be sent: from here on it stays as it is. */
export function sending(queue: Queue, now: number): Queue {
  const [first, ...rest] = queue.entries;
  return first ? { ...queue, entries: [{ ...first, sentAt: first.sentAt ?? now }, ...rest] } : queue;
}

/** The entry with this key was performed, and `stored` is what it left; nothing for a deletion. */
export function performed(queue: Queue, key: string, stored: Snapshot | undefined, now: number): Queue {
  const [first, next, ...rest] = queue.entries;
  if (first?.key !== key) return queue;
  const { held: _, done: __, ...bare } = queue;
  const done = stored && { base: first.base?.etag ?? "", sent: first.value, stored, at: now };
  const kept = { ...bare, ...(done && { done }) };
  if (!next) return { ...kept, entries: [] };
  if (!stored || next.from === undefined) return { ...kept, entries: [next, ...rest] };
  return rebased(kept, next, rest, stored);
}

/** The entry that follows another goes on from what that left. */
function rebased(queue: Queue, next: Entry, rest: readonly Entry[], stored: Snapshot): Queue {
  const { from, ...entry } = next;
  if (next.action === "delete") {
    // Somebody else's edit came between what was seen and what is deleted.
    const current: unknown = JSON.parse(stored.text);
    const isSeen = compare(from, from, current).conflicts.length === 0 && sameAs(from, current);
    return { ...queue, entries: [{ ...entry, base: stored }, ...rest], ...(!isSeen && { held: { kind: "conflict" } }) };
  }
  const current: unknown = JSON.parse(stored.text);
  const { ours, conflicts } = compare(from, next.value, current);
  if (conflicts.length > 0) return { ...queue, entries: [next, ...rest], held: { kind: "conflict" } };
  return { ...queue, entries: [{ ...entry, base: stored, value: withChanges(current, ours) }, ...rest] };
}

function sameAs(a: unknown, b: unknown): boolean {
  return compare(a, b, a).ours.length === 0;
}

export function held(queue: Queue, why: Held): Queue {
  return { ...queue, held: why };
}

/** An edit whose base was stored over by an edit of the same person goes on from that. */
function caughtUp(queue: Queue, edit: Edit): Edit {
  const { done } = queue;
  if (!done || done.base !== edit.base.etag) return edit;
  const current: unknown = JSON.parse(done.stored.text);
  const { ours, conflicts } = compare(done.sent, edit.value, current);
  return conflicts.length > 0 ? edit : { base: done.stored, value: withChanges(current, ours) };
}

function entryOf({ base, value }: Edit, key: string): Entry {
  return base.etag === "" ? { key, action: "create", value } : { key, action: "edit", base, value };
}

// What somebody changes is tried again.
function replaced({ held: _, ...queue }: Queue, entries: readonly Entry[]): Queue {
  return { ...queue, entries };
}

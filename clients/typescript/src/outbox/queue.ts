/** What waits for one document, and what becomes of it: values to values. */
import { changes, equal, withChanges, type Change } from "../core/change.js";
import { compare } from "../core/compare.js";
import type { Choices, Conflict } from "../core/conflict.js";
import type { Etag, Snapshot } from "../core/doc.js";
import { pointer } from "../core/pointer.js";
import { snapshotOf } from "../core/snapshot.js";

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
   * What the edit began from, if that is not `base`: a value that was handed over before, such as that of the entry before
   * it, which may be under way and can no longer be changed.
   */
  readonly from?: unknown;
  /** The same edit as its author's draft has it, if that is another than `base` and `value`. */
  readonly shown?: { readonly base: Snapshot; readonly value: unknown };
  /** What somebody decided about its conflict, and on which version. */
  readonly decided?: { readonly choices: Choices; readonly current: Etag };
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
  /** What the last write left: who has handed over an edit before goes on from here. */
  readonly done?: { readonly stored: Snapshot; readonly at: number };
}

/** An edit as it comes from a draft. */
export interface Edit {
  readonly base: Snapshot;
  readonly value: unknown;
  /** What of the value was handed over before; the base, if absent. Only what differs from it is new. */
  readonly from?: unknown;
}

/** A document that is kept in no version yet. */
export const UNSAVED: Snapshot = { text: "{}", etag: "", version: 0 };

export function withEdit(queue: Queue, edit: Edit, key: string): Queue {
  const { entries } = queue;
  const last = entries.at(-1);
  const { base, value, from } = edit;
  if (!last) return withFirst(queue, edit, key);
  if (last.action === "delete") return replaced(queue, [...entries, { key, action: "create", value }]);
  if (equal(value, from ?? JSON.parse(base.text))) return queue;
  // An edit of another draft, that knows nothing of what waits: the server merges each from its own base.
  if (from === undefined) return replaced(queue, [...entries, entryOf(edit, key)]);
  if (last.sentAt !== undefined || !equal(from, last.value)) return replaced(queue, [...entries, { key, action: "edit", base, value, from }]);
  const before = entries.slice(0, -1);
  const isUndone = last.action === "edit" && equal(value, beginning(last));
  return replaced(queue, isUndone ? before : [...before, { ...last, key, value }]);
}

export function withCreation(queue: Queue, value: unknown, key: string): Queue {
  return replaced(queue, [...queue.entries, { key, action: "create", value }]);
}

export function withDeletion(queue: Queue, base: Snapshot, key: string): Queue {
  const last = queue.entries.at(-1);
  const isUnsent = last !== undefined && last.sentAt === undefined;
  const before = isUnsent ? queue.entries.slice(0, -1) : queue.entries;
  // What was never sent need not be.
  if (isUnsent && last.action === "create") return replaced(queue, before);
  const from = before.at(-1)?.value;
  return replaced(queue, [...before, { key, action: "delete", base, ...(from !== undefined && { from }) }]);
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
  const kept = { ...bare, ...(stored && { done: { stored, at: now } }) };
  if (!next) return { ...kept, entries: [] };
  if (!stored || next.from === undefined) return { ...kept, entries: [next, ...rest] };
  return rebased(kept, first, next, rest, stored);
}

/** The entry that follows another goes on from what that left. */
function rebased(queue: Queue, first: Entry, next: Entry, rest: readonly Entry[], stored: Snapshot): Queue {
  const { from, ...entry } = next;
  const current: unknown = JSON.parse(stored.text);
  if (next.action === "delete") {
    // Somebody else's edit may have come between what was seen and what is deleted.
    const why = !equal(from, current) && ({ held: { kind: "conflict" } } as const);
    return { ...queue, entries: [{ ...entry, base: stored }, ...rest], ...why };
  }
  const { apart, rest: left } = divided(first, next);
  if (apart) {
    const { ours } = compare(from, withChanges(from, apart.ours), current);
    const shown = { base: stored, value: withChanges(current, ours) };
    const edit: Entry = { key: next.key, action: "edit", base: apart.base, value: apart.value, shown };
    if (left === undefined) return { ...queue, entries: [edit, ...rest] };
    return { ...queue, entries: [{ ...edit, key: `${next.key}-apart` }, { ...next, value: left }, ...rest] };
  }
  const { ours, conflicts } = compare(from, next.value, current);
  if (conflicts.length > 0) return { ...queue, entries: [next, ...rest], held: { kind: "conflict" } };
  return { ...queue, entries: [{ ...entry, base: stored, value: withChanges(current, ours) }, ...rest] };
}

/**
 * What of an edit touches other places than the edit that it follows is an edit of the same base, beside it. Then the
 * server merges it with its strategies: two that both add one to a counter do not agree there.
 */
function divided(first: Entry, { value, from }: Entry): { apart?: { base: Snapshot; value: unknown; ours: Change[] }; rest?: unknown } {
  const { base } = first;
  if (first.action !== "edit" || !base || first.from !== undefined || first.decided || !equal(from, first.value)) return { rest: value };
  const before: unknown = JSON.parse(base.text);
  const { ours } = compare(from, value, before);
  if (ours.length === 0) return { rest: value };
  const places = new Set(ours.map(({ path }) => pointer(path)));
  const left = changes(from, value).filter(({ path }) => !places.has(pointer(path)));
  const apart = { base, value: withChanges(before, ours), ours };
  return { apart, ...(left.length > 0 && { rest: withChanges(from, left) }) };
}

/** The server did not perform the first entry: it waits for somebody, and can be changed until it is sent again. */
export function held(queue: Queue, key: string, why: Held): Queue {
  const [first, next, ...rest] = queue.entries;
  if (first?.key !== key) return queue;
  const { sentAt: _, decided: __, ...entry } = first;
  if (!next) return { ...queue, entries: [entry], held: why };
  const joined = followed(entry, next);
  return joined ? replaced(queue, [...joined, ...rest]) : { ...queue, entries: [entry, next, ...rest], held: why };
}

/** It is not known whether the first entry was performed long ago: it waits for somebody, and stays as it is. */
export function doubted(queue: Queue, key: string): Queue {
  return queue.entries[0]?.key === key ? { ...queue, held: { kind: "conflict" } } : queue;
}

/** What is left of an entry that was not performed, and of the one that was to follow it. */
function followed(entry: Entry, next: Entry): Entry[] | undefined {
  const { key, action, value, from } = next;
  if (from === undefined || !equal(from, entry.value)) return undefined;
  if (action !== "delete") return [{ ...entry, key, value }];
  return entry.base ? [{ key, action, base: entry.base }] : [];
}

/** What somebody made of the first entry: another write, or nothing. */
export function decided(queue: Queue, key: string, entry: Entry | undefined): Queue {
  const [first, ...rest] = queue.entries;
  return first?.key === key ? replaced(queue, entry ? [entry, ...rest] : rest) : queue;
}

/**
 * The write that a decision makes of an entry: `undefined` if that gives it up, `null` if it decides nothing. Of a
 * deletion, and of an edit of a document that was deleted, the whole document is the place to decide.
 */
export function decision(entry: Entry, conflict: Conflict | undefined, choices: Choices, current: Etag, key: string): Entry | undefined | null {
  const { sentAt: _, decided: __, from, ...bare } = entry;
  const kept = { ...bare, key, ...(from !== undefined && { from }) };
  if (!conflict) return kept;
  const { theirs } = conflict;
  if (theirs && entry.action !== "delete") return { ...kept, decided: { choices, current } };
  const choice = choices[""];
  if (choice === undefined || theirs?.etag !== (current || undefined)) return null;
  if (choice !== "yours") return undefined;
  return theirs ? { key, action: "delete", base: snapshotOf(theirs) } : { key, action: "create", value: entry.value };
}

function withFirst(queue: Queue, edit: Edit, key: string): Queue {
  const { base, value, from } = edit;
  const { done } = queue;
  if (from === undefined || !done) {
    const isSame = base.etag !== "" && equal(value, JSON.parse(base.text));
    return isSame ? queue : replaced(queue, [entryOf(edit, key)]);
  }
  // A part of it was stored before.
  const current: unknown = JSON.parse(done.stored.text);
  const { ours, conflicts } = compare(from, value, current);
  if (conflicts.length > 0) {
    const entry: Entry = { key, action: "edit", base: done.stored, value, from };
    return { ...queue, entries: [entry], held: { kind: "conflict" } };
  }
  if (ours.length === 0) return queue;
  return replaced(queue, [{ key, action: "edit", base: done.stored, value: withChanges(current, ours) }]);
}

function entryOf({ base, value }: Edit, key: string): Entry {
  return base.etag === "" ? { key, action: "create", value } : { key, action: "edit", base, value };
}

/** What an entry's value is an edit of. */
function beginning({ from, base }: Entry): unknown {
  return from ?? (base && (JSON.parse(base.text) as unknown));
}

// What somebody changes is tried again.
function replaced({ held: _, ...queue }: Queue, entries: readonly Entry[]): Queue {
  return { ...queue, entries };
}

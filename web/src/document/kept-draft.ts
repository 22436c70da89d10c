/** Drafts that the browser keeps, so that nothing typed is lost by a reload, a crash or a step back. */
import type { DraftRecord } from "detente-client";
import { space } from "../place";
import { keptHere } from "../session/kept";
import { otherTabs, thisTab } from "../session/tab";

export interface DocumentName {
  readonly collection: string;
  readonly id: string;
}

export interface KeptDraft {
  /** The edit of a document that exists. */
  readonly record?: DraftRecord;
  /** The value of one that is being created. */
  readonly created?: unknown;
  /** The text, if it was edited as such. */
  readonly raw?: string;
  /** When it was kept, in milliseconds. */
  readonly at: number;
}

export interface Offer {
  readonly draft: KeptDraft;
  /** Which tab kept it. */
  readonly tab: string;
}

// What is too large for the browser's storage still goes from the editor to the merge view.
const inMemory = new Map<string, KeptDraft>();

function beginning({ collection, id }: DocumentName): string {
  return `draft ${JSON.stringify([space.peek() ?? "", collection, id])} `;
}

/** Returns whether it will survive a reload. */
export function keepDraft(of: DocumentName, draft: KeptDraft): boolean {
  const name = beginning(of) + thisTab();
  inMemory.set(name, draft);
  return keptHere.write(name, JSON.stringify(draft));
}

export function forgetDraft(of: DocumentName, tab = thisTab()): void {
  const name = beginning(of) + tab;
  inMemory.delete(name);
  keptHere.write(name, undefined);
}

/** The draft of this tab, or the newest of a tab that is closed: what an open tab holds is its own. */
export async function offeredDraft(of: DocumentName): Promise<Offer | undefined> {
  const own = draftOfThisTab(of);
  if (own) return { draft: own, tab: thisTab() };
  const names = keptHere.names(beginning(of));
  if (names.length === 0) return undefined;
  const open = await otherTabs;
  const offers = names
    .map((name) => ({ tab: name.slice(beginning(of).length), draft: read(name) }))
    .filter((offer): offer is Offer => offer.draft !== undefined && !open.has(offer.tab));
  return offers.sort((a, b) => b.draft.at - a.draft.at)[0];
}

export function draftOfThisTab(of: DocumentName): KeptDraft | undefined {
  return read(beginning(of) + thisTab());
}

function read(name: string): KeptDraft | undefined {
  const held = inMemory.get(name);
  if (held) return held;
  const text = keptHere.read(name);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as KeptDraft);
  } catch {
    return undefined;
  }
}

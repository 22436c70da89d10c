import { ProblemError, type Choice, type Choices, type FieldConflict, type LogEntryWhole } from "detente-client";
import { newestVersion } from "../document/newest-version";
import type { Collision } from "../merge/collision";
import type { Side } from "../merge/merge-view";
import { canReplay, replay, type Replay } from "./replay";

/** How a refused edit stands to what is stored now. */
export type Meeting =
  | { readonly kind: "impossible"; readonly why: string }
  | {
      readonly kind: "possible";
      readonly collision: Collision;
      readonly theirs: Side;
      /** What a choice is made on; absent if there is no document. */
      readonly current: string | number | undefined;
      readonly remark?: string;
    };

/** Compares with what is stored now, with which more or less may collide than at the time of the refusal. */
export async function meetingOf(entry: LogEntryWhole, signal: AbortSignal): Promise<Meeting> {
  if (!canReplay(entry)) return wholeMeeting(entry);
  try {
    const [now, newest] = await Promise.all([
      replay(entry, {}, undefined, signal),
      newestVersion({ collection: entry.collection, id: entry.document }, signal),
    ]);
    const collision = {
      original: entry.base,
      theirs: newest?.doc?.value,
      yours: await editedDocument(entry, now, signal),
      merged: now.document,
      fields: now.conflicts,
      joined: now.joined,
    };
    const theirs = { version: now.currentVersion, ...(newest && { who: newest.updatedBy, at: newest.updatedAt }) };
    return { kind: "possible", collision, theirs, current: now.currentEtag };
  } catch (error) {
    if (error instanceof ProblemError && error.problem.kind === "deleted") return meetingWithNothing(entry);
    throw error;
  }
}

/** The document as the edit would have left it. The server applies patches: all of it taken from the edit. */
async function editedDocument(entry: LogEntryWhole, now: Replay, signal: AbortSignal): Promise<unknown> {
  const { edit } = entry;
  if (edit.document !== undefined) return edit.document;
  return (await replay(entry, { "": "yours" }, now.currentEtag, signal)).document;
}

/** An edit that can only be taken or left as a whole. */
function wholeMeeting({ base, current, currentVersion, edit }: LogEntryWhole): Meeting {
  if (edit.document === undefined && edit.deletion === undefined) {
    return { kind: "impossible", why: "It changes a document, and the version that it was made for is not known. Make it anew, and dismiss this one." };
  }
  const whole: FieldConflict = {
    path: "",
    kind: edit.deletion ? "edit-delete" : "edit-edit",
    strategy: "manual",
    ...(base !== undefined && { base }),
    ...(edit.document !== undefined && { yours: edit.document }),
    ...(current !== undefined && { current }),
  };
  const collision = { original: base, theirs: current, yours: edit.document, merged: current, fields: [whole], joined: [] };
  const version = currentVersion ?? undefined;
  return { kind: "possible", collision, theirs: { version }, current: version };
}

function meetingWithNothing({ base, edit }: LogEntryWhole): Meeting {
  const { document } = edit;
  if (document === undefined) return { kind: "impossible", why: "The document was deleted since. An edit of a part of it can only be dismissed." };
  const collision = { original: base, theirs: undefined, yours: document, merged: document, fields: [], joined: [] };
  return { kind: "possible", collision, theirs: {}, current: undefined, remark: "The document was deleted since. To save creates it again." };
}

export function allAs(choice: Choice, conflicts: readonly FieldConflict[]): Choices {
  return Object.fromEntries(conflicts.map(({ path }) => [path, choice]));
}

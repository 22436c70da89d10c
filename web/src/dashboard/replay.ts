import type { Choices, FieldConflict, Joined, LogEntryWhole } from "detente-client";
import { apiUrl, request } from "../session/api";

/** What would become of a refused edit if it was merged with what is stored now. Nothing was written. */
export interface Replay {
  /** What would be stored; in the places that are still in conflict it has the current value. */
  readonly document: unknown;
  readonly conflicts: readonly FieldConflict[];
  readonly joined: readonly Joined[];
  readonly currentVersion: number;
  readonly currentEtag: string;
}

/** Whether the server can merge an edit without storing it: a deletion, and an edit of an unknown base, it cannot. */
export function canReplay({ baseVersion, edit }: LogEntryWhole): boolean {
  return baseVersion !== null && edit.deletion === undefined;
}

/**
 * Merges the edit of an entry as a dry run. Choices are made on the version `current`.
 *
 * @throws ProblemError if the server cannot, for instance since the document was deleted.
 */
export async function replay(entry: LogEntryWhole, choices: Choices, current: string | undefined, signal: AbortSignal): Promise<Replay> {
  const { collection, document, edit, baseVersion } = entry;
  const mine = edit.document === undefined ? { patch: edit.mergePatch ?? edit.jsonPatch } : { document: edit.document };
  const decided = Object.keys(choices).length > 0 && { choices, current };
  const response = await request(apiUrl([collection, document, "merge"], "?dry_run=true"), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ base: baseVersion, ...mine, ...decided }),
    signal,
  });
  const answer = (await response.json()) as Answer;
  return {
    document: answer.document,
    conflicts: answer.conflicts,
    joined: answer.joined,
    currentVersion: answer.current_version,
    currentEtag: answer.current_etag,
  };
}

interface Answer extends Pick<Replay, "document" | "conflicts" | "joined"> {
  readonly current_version: number;
  readonly current_etag: string;
}

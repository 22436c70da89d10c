import { ProblemError, type Choices, type FieldConflict, type Joined, type LogEntryWhole } from "detente-client";
import { isObject } from "../parts/pointer";
import { baseUrl, space } from "../place";
import { sessionFetch } from "../session/session";

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
 * Merges the edit of an entry as a dry run.
 *
 * @throws ProblemError if the server cannot, for instance since the document was deleted.
 */
export async function replay(entry: LogEntryWhole, choices: Choices, current: string | undefined, signal: AbortSignal): Promise<Replay> {
  const { edit, baseVersion } = entry;
  const mine = edit.document === undefined ? { patch: edit.mergePatch ?? edit.jsonPatch } : { document: edit.document };
  const decided = Object.keys(choices).length > 0 && { choices, current };
  const response = await sessionFetch(`${documentUrl(entry)}/merge?dry_run=true`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ base: baseVersion, ...mine, ...decided }),
    signal,
  });
  const body: unknown = await response.json();
  const answer = isObject(body) ? body : {};
  if (!response.ok) throw problem(answer, response.status);
  return {
    document: answer["document"],
    conflicts: answer["conflicts"] as FieldConflict[],
    joined: answer["joined"] as Joined[],
    currentVersion: Number(answer["current_version"]),
    currentEtag: String(answer["current_etag"]),
  };
}

function documentUrl({ collection, document }: LogEntryWhole): string {
  return [`${apiUrl()}/${encodeURIComponent(collection)}`, encodeURIComponent(document)].join("/");
}

/** Where `curl` finds an entry. */
export function entryUrl(id: string): string {
  return `${apiUrl()}/_conflicts/${id}`;
}

function apiUrl(): string {
  return `${baseUrl}${space.value === undefined ? "" : `spaces/${encodeURIComponent(space.value)}/`}api`;
}

function problem(body: Record<string, unknown>, status: number): ProblemError {
  const { type, title, detail } = body;
  const kind = String(type).split("/").at(-1) ?? "";
  return new ProblemError({ kind, status, title: String(title), detail: String(detail), body, text: "" });
}

import type { LogEntryWhole, Row } from "detente-client";
import { client } from "../session/session";

/** So many versions back somebody's name is looked for. */
const searched = 200;

/** The versions that an entry speaks of. What is no longer kept, or too far back, is absent. */
export interface Versions {
  readonly base: Row | undefined;
  readonly theirs: Row | undefined;
  readonly result: Row | undefined;
}

export async function versionsOf(entry: LogEntryWhole, signal: AbortSignal): Promise<Versions> {
  const { collection, document, baseVersion, currentVersion, settledVersion } = entry;
  const wanted = new Set([baseVersion, currentVersion, settledVersion].filter((version) => typeof version === "number"));
  const found = new Map<number, Row>();
  let seen = 0;
  for await (const row of wanted.size > 0 ? client().collection(collection).history(document, { signal }) : []) {
    if (wanted.delete(row.version)) found.set(row.version, row);
    if (wanted.size === 0 || ++seen === searched) break;
  }
  const at = (version: number | null | undefined) => (typeof version === "number" ? found.get(version) : undefined);
  return { base: at(baseVersion), theirs: at(currentVersion), result: at(settledVersion) };
}

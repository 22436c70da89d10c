/** A write that came too late, as data for whoever decides. */
import { withChanges } from "./change.js";
import { compare } from "./compare.js";
import type { Conflict } from "./conflict.js";
import type { Snapshot } from "./doc.js";
import { fieldsOf, joinedOf, sinceOf, string } from "./refusal.js";
import type { Stale } from "./resource.js";
import { docOf } from "./snapshot.js";

export function conflictOf<T>(id: string, stale: Stale, base: Snapshot | undefined, mine: T): Conflict<T> {
  const { problem, theirs, isExplained } = stale;
  const { body } = problem;
  const since = sinceOf(body);
  const logged = string(body["logged"]);
  const last = since.at(-1);
  const facts = last && last.version === theirs?.version ? { updatedAt: last.at, updatedBy: last.by } : {};
  const found = isExplained || !theirs || !base ? told<T>(body, theirs) : compared(base, mine, theirs);
  return {
    ...(base && { base: docOf<T>(id, base) }),
    mine,
    ...(theirs && { theirs: docOf<T>(id, theirs, facts) }),
    ...found,
    joined: joinedOf(body),
    since,
    ...(logged !== undefined && { logged }),
    problem,
  };
}

function told<T>(body: Stale["problem"]["body"], theirs: Snapshot | undefined): Pick<Conflict<T>, "merged" | "fields"> {
  const merged = "merged" in body ? body["merged"] : theirs && JSON.parse(theirs.text);
  return { merged: merged as T, fields: fieldsOf(body) };
}

function compared<T>(base: Snapshot, mine: T, theirs: Snapshot): Pick<Conflict<T>, "merged" | "fields"> {
  const current = JSON.parse(theirs.text) as T;
  const { ours, conflicts } = compare(JSON.parse(base.text), mine, current);
  return { merged: withChanges(current, ours), fields: conflicts };
}

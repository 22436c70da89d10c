import type { FieldConflict, LogEntryWhole } from "detente-client";
import { inWords, namesOf, valueAt } from "../parts/pointer";
import { ValueView } from "../parts/value-view";
import { WordDiff } from "../parts/word-diff";
import type { Versions } from "./versions";
import { authorityOf, reasonOf } from "./reasons";

interface CollisionsProps {
  readonly entry: LogEntryWhole;
  readonly versions: Versions | undefined;
}

/** What met: for each place the values of the original, of theirs, of the refused edit, and of the result. */
export function Collisions({ entry, versions }: CollisionsProps) {
  const result = versions?.result?.doc?.value;
  const conflicts = entry.conflicts ?? [];
  if (conflicts.length === 0) return <WholeEdit entry={entry} />;
  return (
    <>
      {conflicts.map((conflict) => (
        <Collision key={conflict.path} conflict={conflict} by={entry.by} theirs={versions?.theirs?.updatedBy} result={result} />
      ))}
    </>
  );
}

interface CollisionProps {
  readonly conflict: FieldConflict;
  readonly by: string;
  readonly theirs: string | undefined;
  /** The document that settled it, if one did. */
  readonly result: unknown;
}

function Collision({ conflict, by, theirs, result }: CollisionProps) {
  const { path, base, current, yours } = conflict;
  return (
    <section class="card collision">
      <h3>
        <bdi>{inWords(path)}</bdi>
      </h3>
      <p class="muted">
        {capital(reasonOf(conflict))}. {authorityOf(conflict)}
      </p>
      <dl class="values">
        <div>
          <dt>Original</dt>
          <dd><ValueView value={base} /></dd>
        </div>
        <div class="value-theirs">
          <dt>Theirs{theirs !== undefined && <>, by <bdi>{theirs}</bdi></>}</dt>
          <dd><WordDiff from={base} to={current} /></dd>
        </div>
        <div class="value-yours">
          <dt>Yours, by <bdi>{by}</bdi></dt>
          <dd><WordDiff from={base} to={yours} /></dd>
        </div>
        {result !== undefined && (
          <div>
            <dt>Result</dt>
            <dd><WordDiff from={base} to={valueAt(result, namesOf(path))} /></dd>
          </div>
        )}
      </dl>
    </section>
  );
}

/** An edit whose original is unknown, or that collided with nothing in particular. */
function WholeEdit({ entry }: { readonly entry: LogEntryWhole }) {
  const { edit, current, by } = entry;
  return (
    <section class="card collision">
      <dl class="values">
        <div class="value-theirs">
          <dt>Theirs</dt>
          <dd><ValueView value={current} /></dd>
        </div>
        <div class="value-yours">
          <dt>Yours, by <bdi>{by}</bdi></dt>
          <dd>{edit.document === undefined ? <ValueView value={edit.mergePatch ?? edit.jsonPatch} /> : <WordDiff from={current} to={edit.document} />}</dd>
        </div>
      </dl>
    </section>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

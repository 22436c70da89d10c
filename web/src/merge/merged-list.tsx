import { Button } from "../parts/button";
import { inWords, namesOf, valueAt } from "../parts/pointer";
import { WordDiff } from "../parts/word-diff";
import type { Sides } from "./reason";
import { inputsAt, inputsText, standing, type Collision, type Decision, type Decisions, type Merged } from "./collision";

interface MergedListProps {
  readonly collision: Collision;
  readonly merged: readonly Merged[];
  readonly decisions: Decisions;
  readonly sides: Sides;
  readonly onDecide: (path: string, decision: Decision | undefined) => void;
}

/** What was merged without a question. Each can be undone. */
export function MergedList({ collision, merged, decisions, sides, onDecide }: MergedListProps) {
  if (merged.length === 0) return null;
  return (
    <details class="card fold">
      <summary>
        {merged.length} merged automatically
        {merged.some(({ review }) => review) && <span class="mark both">please read</span>}
      </summary>
      <ul class="merged">
        {merged.map((place) => {
          const { path } = place;
          const inputs = inputsAt(collision, path);
          const undone = standing(decisions, path, inputs);
          const toggle = () => onDecide(path, undone ? undefined : { kind: undoneTo(place), inputs: inputsText(inputs) });
          return (
            <li key={path}>
              <div>
                <bdi class="member-name">{inWords(path)}</bdi> <span class="muted">{sourceWords(place, sides)}</span>
                {place.review && <span class="mark both">please read</span>}
                <div>
                  {undone ? (
                    <span class="muted">Undone: {undoneTo(place) === "theirs" ? "their value stays" : "the original stays"}</span>
                  ) : (
                    <WordDiff from={inputs.base} to={valueAt(collision.merged, namesOf(path))} />
                  )}
                </div>
              </div>
              <Button kind="quiet" aria-label={`${undone ? "Redo" : "Undo"} ${inWords(path)}`} onClick={toggle}>
                {undone ? "Redo" : "Undo"}
              </Button>
            </li>
          );
        })}
      </ul>
    </details>
  );
}

/** What stays where a merge is undone: without your part, theirs; without theirs, the original. */
function undoneTo({ from }: Merged): "original" | "theirs" {
  return from === "both" ? "theirs" : "original";
}

export function sourceWords({ from }: Pick<Merged, "from">, { they, you }: Sides): string {
  if (from === "both") return `joined from ${ownOf(you)} and ${ownOf(they)}`;
  return from === "yours" ? `from ${you}` : `from ${they}`;
}

/** "yours", "theirs", "Ben's". */
export function ownOf(who: string): string {
  if (who === "you") return "yours";
  return who === "somebody" ? "theirs" : `${who}'s`;
}

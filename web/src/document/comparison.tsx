import type { Row } from "detente-client";
import { Button } from "../parts/button";
import { inWords, namesOf, valueAt } from "../parts/pointer";
import { Time } from "../parts/time";
import { WordDiff } from "../parts/word-diff";
import { author } from "../session/author";
import { differingPlaces } from "./places";

const shownPlaces = 100;

/** What differs between two versions, word by word. */
export function Comparison({ older, newer, onBack }: { readonly older: Row; readonly newer: Row; readonly onBack: () => void }) {
  const [before, after] = [older.doc?.value, newer.doc?.value];
  const places = differingPlaces(before, after);
  return (
    <>
      <div>
        <Button kind="quiet" onClick={onBack}>
          ← All versions
        </Button>
      </div>
      <p>
        From version {older.version} (<bdi>{author(older)}</bdi>, <Time at={older.updatedAt} />) to version {newer.version} (
        <bdi>{author(newer)}</bdi>, <Time at={newer.updatedAt} />)
      </p>
      {places.length === 0 && <p>They hold the same.</p>}
      <dl class="changes">
        {places.slice(0, shownPlaces).map((path) => (
          <div key={path}>
            <dt>
              <bdi>{inWords(path)}</bdi>
            </dt>
            <dd>
              <WordDiff from={valueAt(before, namesOf(path))} to={valueAt(after, namesOf(path))} />
            </dd>
          </div>
        ))}
      </dl>
      {places.length > shownPlaces && <p class="muted">and {places.length - shownPlaces} more places</p>}
    </>
  );
}

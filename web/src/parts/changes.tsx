import { inWords, namesOf, valueAt } from "./pointer";
import { WordDiff } from "./word-diff";

const shownPlaces = 100;

interface ChangesProps {
  readonly before: unknown;
  readonly after: unknown;
  readonly places: readonly string[];
  /** Places that somebody here changed, too. */
  readonly shared?: readonly string[];
  /** Places that were put together of two texts. */
  readonly unsure?: readonly string[];
}

/** What differs at these places, word by word. */
export function Changes({ before, after, places, shared = [], unsure = [] }: ChangesProps) {
  return (
    <>
      <dl class="changes">
        {places.slice(0, shownPlaces).map((path) => (
          <div key={path}>
            <dt>
              <bdi>{inWords(path)}</bdi>
              {unsure.includes(path) && <span class="mark both">please read</span>}
              {shared.includes(path) && <span class="mark both">you changed it, too</span>}
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

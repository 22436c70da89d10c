import { useLoad } from "../parts/load";
import { inWords } from "../parts/pointer";
import { Time } from "../parts/time";
import { href } from "../place";
import { client } from "../session/session";

const shown = 5;
const counted = 100;

/** The newest edits that were refused and that nobody has settled. `round` rises when it is time to look again. */
export function OpenConflicts({ round }: { readonly round: number }) {
  const { loaded } = useLoad((signal) => client().conflicts.list({ outcome: "open", limit: counted, signal }), [round]);
  // Whoever may not read the log has no use for it here.
  if (loaded.state !== "ready") return null;
  const { items, next } = loaded.value;
  return (
    <aside class="panel card" aria-labelledby="open-heading">
      <h2 id="open-heading">
        In conflict now <span class="count">{next === null ? items.length : `${counted}+`}</span>
      </h2>
      {items.length === 0 && <p class="muted">No edit waits for a decision.</p>}
      <ul class="open-conflicts">
        {items.slice(0, shown).map(({ id, collection, document, by, at, paths }) => (
          <li key={id}>
            <a href={href({ at: "entry", entry: id })}>
              <bdi>
                {collection} / {document}
              </bdi>
            </a>
            <p class="muted">
              <bdi>{by}</bdi> · <Time at={at} />
              {paths.length > 0 && (
                <>
                  {" "}
                  · <bdi>{paths.slice(0, 3).map(inWords).join(", ")}</bdi>
                </>
              )}
            </p>
          </li>
        ))}
      </ul>
      {items.length > 0 && <a href={href({ at: "conflicts" })}>See all</a>}
    </aside>
  );
}

import type { Choice, Choices, LogEntryWhole } from "detente-client";
import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Failure } from "../parts/failure";
import { inWords } from "../parts/pointer";
import { useLoad } from "../parts/load";
import { ValueView } from "../parts/value-view";
import { allAs, type Question } from "./decision";
import { replay } from "./replay";

type Way = Extract<Choice, string>;

const ways: readonly { readonly choice: Way; readonly words: string }[] = [
  { choice: "current", words: "all theirs" },
  { choice: "yours", words: "all yours" },
  { choice: "base", words: "all original" },
];

interface ReplaysProps {
  readonly entry: LogEntryWhole;
  readonly question: Question;
  readonly onUse: (choices: Choices) => void;
}

/** What would come out if every place was decided in one way. The server is asked, and writes nothing. */
export function Replays({ entry, question, onUse }: ReplaysProps) {
  const [tried, setTried] = useState<Way>();
  return (
    <section class="stack replays" aria-label="Try a way">
      <div class="actions">
        <span>Try, without storing:</span>
        {ways.map(({ choice, words }) => (
          <Button key={choice} aria-pressed={tried === choice} onClick={() => setTried(choice)}>
            {words}
          </Button>
        ))}
      </div>
      {tried && <Outcome key={tried} entry={entry} question={question} way={tried} onUse={onUse} />}
    </section>
  );
}

function Outcome({ entry, question, way, onUse }: ReplaysProps & { readonly way: Way }) {
  const choices = allAs(way, question.conflicts);
  const current = question.replay?.currentEtag;
  const { loaded, reload } = useLoad((signal) => replay(entry, choices, current, signal), [way, current]);
  if (loaded.state === "loading") return <p class="muted">Asking the server …</p>;
  if (loaded.state === "failed") return <Failure error={loaded.error} onRetry={reload} />;
  const { document, conflicts, joined } = loaded.value;
  return (
    <div class="card outcome-tried" role="status">
      <p>
        {conflicts.length === 0 ? "This would be stored:" : `Still open: ${conflicts.map(({ path }) => inWords(path)).join(", ")}`}
      </p>
      <ValueView value={document} />
      {joined.length > 0 && (
        <p class="muted">
          Joined by a strategy: {joined.map(({ path, strategy }) => `${inWords(path)} (${strategy})`).join(", ")}
        </p>
      )}
      <Button onClick={() => onUse(choices)}>Choose this everywhere</Button>
    </div>
  );
}

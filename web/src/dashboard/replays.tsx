import type { Choice, LogEntryWhole } from "detente-client";
import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Failure } from "../parts/failure";
import { inWords } from "../parts/pointer";
import { useLoad } from "../parts/load";
import { ValueView } from "../parts/value-view";
import { CopyCurl } from "./copy-curl";
import { allAs } from "./meeting";
import { replay, type Replay } from "./replay";

type Way = Extract<Choice, string>;

const ways: readonly { readonly choice: Way; readonly words: string }[] = [
  { choice: "current", words: "All theirs" },
  { choice: "yours", words: "All yours" },
  { choice: "base", words: "All original" },
];

/** What would come out if everything in conflict was decided in one way. The server is asked, and writes nothing. */
export function Replays({ entry }: { readonly entry: LogEntryWhole }) {
  const { loaded, reload } = useLoad((signal) => replay(entry, {}, undefined, signal), [entry.id]);
  const [way, setWay] = useState<Way>();
  if (loaded.state === "loading") return <p class="muted">Asking the server …</p>;
  if (loaded.state === "failed") return <Failure error={loaded.error} onRetry={reload} />;
  const now = loaded.value;
  return (
    <>
      {now.conflicts.length > 0 && (
        <div class="actions" role="group" aria-label="How to decide">
          {ways.map(({ choice, words }) => (
            <Button key={choice} aria-pressed={way === choice} onClick={() => setWay(choice)}>
              {words}
            </Button>
          ))}
        </div>
      )}
      {now.conflicts.length === 0 && <Shown entry={entry} outcome={now} choices={{}} />}
      {now.conflicts.length > 0 && way && <Tried key={way} entry={entry} now={now} way={way} />}
    </>
  );
}

interface TriedProps {
  readonly entry: LogEntryWhole;
  readonly now: Replay;
  readonly way: Way;
}

function Tried({ entry, now, way }: TriedProps) {
  const choices = allAs(way, now.conflicts);
  const { loaded, reload } = useLoad((signal) => replay(entry, choices, now.currentEtag, signal), [way]);
  if (loaded.state === "loading") return <p class="muted">Asking the server …</p>;
  if (loaded.state === "failed") return <Failure error={loaded.error} onRetry={reload} />;
  return <Shown entry={entry} outcome={loaded.value} choices={choices} />;
}

interface ShownProps {
  readonly entry: LogEntryWhole;
  readonly outcome: Replay;
  readonly choices: Readonly<Record<string, Choice>>;
}

function Shown({ entry, outcome, choices }: ShownProps) {
  const { document, conflicts, joined, currentEtag } = outcome;
  const open = conflicts.map(({ path }) => inWords(path)).join(", ");
  return (
    <div class="card tried">
      <p role="status">{open ? `This leaves open: ${open}` : "This would be stored. Nothing was written."}</p>
      <ValueView value={document} />
      {joined.length > 0 && (
        <p class="muted">
          Joined by a strategy: {joined.map(({ path, strategy }) => `${inWords(path)} (${strategy})`).join(", ")}
        </p>
      )}
      <CopyCurl entry={entry} choices={choices} current={currentEtag} />
    </div>
  );
}

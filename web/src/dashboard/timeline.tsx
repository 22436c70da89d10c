import type { LogEntryWhole, Row } from "detente-client";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Time } from "../parts/time";
import { href } from "../place";
import type { Versions } from "./versions";
import { kindWords } from "./words";

interface TimelineProps {
  readonly entry: LogEntryWhole;
  readonly versions: Versions | undefined;
}

/** What happened, in its order: original, theirs, yours, result. */
export function Timeline({ entry, versions }: TimelineProps) {
  const { by, at, method, kind, baseVersion, currentVersion, outcome } = entry;
  const list = useRef<HTMLOListElement>(null);
  const shown = useRef(outcome);
  useEffect(() => {
    // The form that settled it is gone, and the focus with it.
    if (shown.current !== outcome) list.current?.focus();
    shown.current = outcome;
  }, [outcome]);
  return (
    <ol class="timeline" ref={list} tabIndex={-1} aria-labelledby="what-happened">
      <Step name="Original" side="original">
        {baseVersion === null ? "What the edit began from is not known." : <Version entry={entry} number={baseVersion} row={versions?.base} />}
      </Step>
      <Step name="Theirs" side="theirs">
        {currentVersion === null ? "There was no document." : <Version entry={entry} number={currentVersion} row={versions?.theirs} />}
      </Step>
      <Step name="Yours" side="yours">
        <p>
          <bdi>{by}</bdi> sent {method}, refused: {kindWords(kind)}
        </p>
        <p class="muted"><Time at={at} /></p>
      </Step>
      <Step name="Result" side="result">
        <Result entry={entry} row={versions?.result} />
      </Step>
    </ol>
  );
}

interface StepProps {
  readonly name: string;
  readonly side: "original" | "theirs" | "yours" | "result";
  readonly children: ComponentChildren;
}

function Step({ name, side, children }: StepProps) {
  return (
    <li class={`step-${side}`}>
      <h3>{name}</h3>
      {children}
    </li>
  );
}

function Version({ entry, number, row }: { readonly entry: LogEntryWhole; readonly number: number; readonly row: Row | undefined }) {
  return (
    <>
      <p>
        <a href={`${href({ at: "document", collection: entry.collection, id: entry.document })}?version=${number}`}>Version {number}</a>
        {row && <> by <bdi>{row.updatedBy}</bdi></>}
      </p>
      {row && <p class="muted"><Time at={row.updatedAt} /></p>}
    </>
  );
}

function Result({ entry, row }: { readonly entry: LogEntryWhole; readonly row: Row | undefined }) {
  const { outcome, settledAt, settledBy, settledVersion, settledReason } = entry;
  if (outcome === "open") return <p>Open: nobody has decided yet.</p>;
  return (
    <>
      <p>
        {outcome === "resolved" ? "Resolved" : "Dismissed"} by <bdi>{settledBy}</bdi>
      </p>
      {settledReason && <p class="reason"><bdi>{settledReason}</bdi></p>}
      {settledVersion && <Version entry={entry} number={settledVersion} row={row} />}
      <p class="muted"><Time at={settledAt} /></p>
    </>
  );
}

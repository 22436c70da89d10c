import { useMemo, useState } from "preact/hooks";
import { Button } from "../parts/button";
import { inWords, namesOf, valueAt } from "../parts/pointer";
import { ValueView } from "../parts/value-view";
import { decidable, inputsText, resultOf, standing, valueOf, type Collision, type Decision, type Decisions, type Merged } from "./collision";
import { ownOf, sourceWords } from "./merged-list";
import type { Sides } from "./reason";
import { ValueEditor } from "./value-editor";

interface ResultProps {
  readonly collision: Collision;
  readonly merged: readonly Merged[];
  readonly decisions: Decisions;
  readonly sides: Sides;
  readonly onDecide: (path: string, decision: Decision | undefined) => void;
}

interface ResultRow {
  readonly path: string;
  readonly value: unknown;
  readonly source: string;
  readonly isOpen: boolean;
  readonly inputs: string;
}

const shownRows = 60;

/** What would be stored: each place with where it came from. All of it can still be changed. */
export function Result(props: ResultProps) {
  const { collision, decisions } = props;
  const rows = useMemo(() => rowsOf(props), [collision, decisions]);
  const [edited, setEdited] = useState<string>();
  const changed = rows.filter(({ source }) => source !== "");
  const rest = rows.filter(({ source }) => source === "");
  const show = (row: ResultRow) => (
    <Row key={row.path} row={row} isEdited={edited === row.path} onEdit={(on) => setEdited(on ? row.path : undefined)} onDecide={props.onDecide} />
  );
  return (
    <section class="card result" aria-labelledby="result-heading">
      <h2 id="result-heading">The result</h2>
      <dl>{changed.map(show)}</dl>
      {rest.length > 0 && (
        <details class="fold">
          <summary>{rest.length} unchanged</summary>
          <dl>{rest.slice(0, shownRows).map(show)}</dl>
          {rest.length > shownRows && <p class="muted">and {rest.length - shownRows} more</p>}
        </details>
      )}
    </section>
  );
}

interface RowProps {
  readonly row: ResultRow;
  readonly isEdited: boolean;
  readonly onEdit: (on: boolean) => void;
  readonly onDecide: ResultProps["onDecide"];
}

function Row({ row, isEdited, onEdit, onDecide }: RowProps) {
  const { path, value, source, isOpen, inputs } = row;
  return (
    <div class={isOpen ? "result-row open" : "result-row"}>
      <dt>
        <bdi class="member-name">{inWords(path)}</bdi>
        {source && <span class="source">{source}</span>}
      </dt>
      <dd>
        {isEdited ? (
          <ValueEditor label={inWords(path)} value={value ?? ""} onValue={(next) => onDecide(path, { kind: "edit", value: next, inputs })} />
        ) : (
          <div class="result-value">
            <ValueView value={value} />
          </div>
        )}
        <Button kind="quiet" aria-label={`${isEdited ? "Finish editing" : "Edit"} ${inWords(path)}`} onClick={() => onEdit(!isEdited)}>
          {isEdited ? "Done" : "Edit"}
        </Button>
      </dd>
    </div>
  );
}

function rowsOf({ collision, merged, decisions, sides }: ResultProps): ResultRow[] {
  const result = resultOf(collision, decisions);
  return decidable(collision).map(({ path, inputs }) => {
    const decision = standing(decisions, path, inputs);
    const place = merged.find((one) => one.path === path);
    const isOpen = !decision && collision.fields.some((field) => field.path === path);
    return {
      path,
      value: decision ? valueOf(decision, inputs) : valueAt(result, namesOf(path)),
      source: isOpen ? "not decided yet" : decision ? decisionWords(decision, sides) : place ? sourceWords(place, sides) : "",
      isOpen,
      inputs: inputsText(inputs),
    };
  });
}

function decisionWords({ kind }: Decision, { they, you }: Sides): string {
  switch (kind) {
    case "theirs":
      return `you took ${ownOf(they)}`;
    case "yours":
      return `you took ${ownOf(you)}`;
    case "both":
      return "you took both";
    case "original":
      return "you took the original";
    case "edit":
      return "you wrote this";
  }
}

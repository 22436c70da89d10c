import type { Ref } from "preact";
import { useId } from "preact/hooks";
import type { FieldConflict } from "detente-client";
import { inWords } from "../parts/pointer";
import { ValueView } from "../parts/value-view";
import { WordDiff } from "../parts/word-diff";
import { both, inputsText, type Decision, type DecisionKind } from "./collision";
import { reasonOf, type Sides } from "./reason";
import { ValueEditor } from "./value-editor";

interface ConflictFieldProps {
  readonly field: FieldConflict;
  readonly sides: Sides;
  readonly decision: Decision | undefined;
  /** Whether a decision was made on other values, which somebody changed since. */
  readonly isReopened: boolean;
  readonly showsOriginal: boolean;
  readonly onDecide: (decision: Decision) => void;
  readonly fieldRef: Ref<HTMLFieldSetElement>;
}

interface Option {
  readonly kind: DecisionKind;
  readonly name: string;
  readonly value: unknown;
}

/** What one can choose in a place, in the order of the keys 1 to 5. */
export function optionsOf(field: FieldConflict): Option[] {
  const joined = both(field);
  const all: (Option | undefined)[] = [
    { kind: "theirs", name: "Theirs", value: field.current },
    { kind: "yours", name: "Yours", value: field.yours },
    joined === undefined ? undefined : { kind: "both", name: "Both", value: joined },
    // A whole document whose base nobody knows has no original to take.
    field.path === "" && field.base === undefined ? undefined : { kind: "original", name: "Original", value: field.base },
    { kind: "edit", name: "Edit", value: field.yours ?? field.current },
  ];
  // A rule speaks of the whole: there are no values to choose from, only sides.
  return all.filter((option) => option !== undefined);
}

export const keyOf: Readonly<Record<DecisionKind, string>> = { theirs: "1", yours: "2", both: "3", original: "4", edit: "5" };

/** The decision for a kind; an edit begins with what was chosen before. */
export function decisionFor(field: FieldConflict, kind: DecisionKind, before: Decision | undefined): Decision {
  const inputs = inputsText(field);
  if (kind !== "edit") return { kind, inputs };
  const start = optionsOf(field).find((option) => option.kind === (before?.kind ?? "yours"))?.value;
  return { kind, inputs, value: before?.kind === "edit" ? before.value : (start ?? field.yours ?? field.current ?? "") };
}

/** One place in conflict, with the values that one can choose. Nothing is chosen before somebody does. */
export function ConflictField({ field, sides, decision, isReopened, showsOriginal, onDecide, fieldRef }: ConflictFieldProps) {
  const id = useId();
  return (
    <fieldset class={`conflict ${decision ? "decided" : "open"}`} ref={fieldRef} tabIndex={-1}>
      <legend>
        <bdi class="member-name">{inWords(field.path)}</bdi>
        <span class="reason">
          {" "}
          – <bdi>{reasonOf(field, sides)}</bdi>
        </span>
      </legend>
      {isReopened && <p class="notice warn">This was changed again since you chose. Please choose once more.</p>}
      {showsOriginal && (
        <div class="original-value">
          <span class="muted">Original</span> <ValueView value={field.base} />
        </div>
      )}
      <ul class="options">
        {optionsOf(field).map(({ kind, name, value }) => {
          const isChosen = decision?.kind === kind;
          return (
            <li key={kind} class={isChosen ? "option chosen" : "option"}>
              <input
                type="radio"
                id={`${id}${kind}`}
                name={id}
                checked={isChosen}
                aria-describedby={`${id}${kind}v`}
                onChange={() => onDecide(decisionFor(field, kind, decision))}
              />
              <label for={`${id}${kind}`}>
                <kbd aria-hidden="true">{keyOf[kind]}</kbd> {nameOf(kind, sides) ?? name}
              </label>
              <div class="option-value" id={`${id}${kind}v`}>
                {kind === "original" && <ValueView value={value} />}
                {kind === "edit" && !isChosen && <span class="muted">Write another value</span>}
                {kind !== "original" && kind !== "edit" && <WordDiff from={field.base} to={value} />}
              </div>
              {kind === "edit" && isChosen && (
                <ValueEditor
                  label={`Another value for ${inWords(field.path)}`}
                  value={decision.value}
                  onValue={(next) => onDecide({ kind: "edit", value: next, inputs: decision.inputs })}
                />
              )}
            </li>
          );
        })}
      </ul>
    </fieldset>
  );
}

function nameOf(kind: DecisionKind, { they, you }: Sides): string | undefined {
  if (kind === "theirs" && they !== "somebody") return `Theirs (${they})`;
  return kind === "yours" && you !== "you" ? `Yours (${you})` : undefined;
}

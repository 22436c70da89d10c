import type { Choice, Choices, FieldConflict } from "detente-client";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { inWords } from "../parts/pointer";
import { ValueView } from "../parts/value-view";
import { WordDiff } from "../parts/word-diff";
import { reasonOf } from "./reasons";

interface ChoiceListProps {
  readonly conflicts: readonly FieldConflict[];
  /** Whose edit "yours" is. */
  readonly by: string;
  readonly choices: Choices;
  readonly onChoose: (choices: Choices) => void;
}

/** One question for each place. Nothing is chosen before somebody chooses. */
export function ChoiceList({ conflicts, by, choices, onChoose }: ChoiceListProps) {
  return (
    <>
      {conflicts.map((conflict) => (
        <Question
          key={conflict.path}
          conflict={conflict}
          by={by}
          choice={choices[conflict.path]}
          onChoose={(choice) => onChoose({ ...choices, [conflict.path]: choice })}
        />
      ))}
    </>
  );
}

interface QuestionProps {
  readonly conflict: FieldConflict;
  readonly by: string;
  readonly choice: Choice | undefined;
  readonly onChoose: (choice: Choice) => void;
}

function Question({ conflict, by, choice, onChoose }: QuestionProps) {
  const { path, base, current, yours } = conflict;
  const name = useId();
  const option = (value: "current" | "yours" | "base", label: string, shown: ComponentChildren) => (
    <label class={`choice ${value}`}>
      <input type="radio" name={name} checked={choice === value} onChange={() => onChoose(value)} />
      <span>
        <b>{label}</b> {shown}
      </span>
    </label>
  );
  return (
    <fieldset class="card choices">
      <legend>
        <bdi>{inWords(path)}</bdi>: {reasonOf(conflict)}
      </legend>
      {option("current", `Theirs${conflict.by ? `, by ${conflict.by}` : ""}`, <WordDiff from={base} to={current} />)}
      {option("yours", `Yours, by ${by}`, <WordDiff from={base} to={yours} />)}
      {base !== undefined && option("base", "Original", <ValueView value={base} />)}
      <Own name={name} conflict={conflict} choice={choice} onChoose={onChoose} />
    </fieldset>
  );
}

/** Another value: a text as such, everything else as JSON. */
function Own({ name, conflict, choice, onChoose }: Omit<QuestionProps, "by"> & { readonly name: string }) {
  const isText = typeof (conflict.yours ?? conflict.current) === "string";
  const own = typeof choice === "object" ? choice.value : undefined;
  const written = isText ? String(own ?? conflict.yours ?? "") : JSON.stringify(own ?? conflict.yours ?? null, undefined, 1);
  const edit = (text: string, field?: HTMLTextAreaElement) => {
    const value = isText ? text : parsed(text);
    field?.setCustomValidity(value === undefined ? "This is not JSON yet." : "");
    if (value !== undefined) onChoose({ value });
  };
  return (
    <label class="choice own">
      <input type="radio" name={name} checked={typeof choice === "object"} onChange={() => edit(written)} />
      <span>
        <b>Edit</b>
        {typeof choice === "object" && (
          <textarea
            aria-label={`Value of ${inWords(conflict.path)}`}
            defaultValue={written}
            onInput={(event) => edit(event.currentTarget.value, event.currentTarget)}
          />
        )}
      </span>
    </label>
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // somebody is still typing
  }
}

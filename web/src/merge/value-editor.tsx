import { useId, useState } from "preact/hooks";

interface ValueEditorProps {
  readonly label: string;
  readonly value: unknown;
  readonly onValue: (value: unknown) => void;
}

/** Edits a value in place: a text as such, anything else as JSON. */
export function ValueEditor({ label, value, onValue }: ValueEditorProps) {
  const id = useId();
  const [isText] = useState(typeof value === "string");
  const [text, setText] = useState(isText ? String(value) : JSON.stringify(value, undefined, 1));
  const [isWrong, setWrong] = useState(false);
  const type = (typed: string) => {
    setText(typed);
    try {
      onValue(isText ? typed : (JSON.parse(typed) as unknown));
      setWrong(false);
    } catch {
      setWrong(true);
    }
  };
  return (
    <div class="field value-editor">
      <label for={id} class="unseen">
        {label}
      </label>
      <textarea
        id={id}
        class="grows"
        rows={Math.min(12, text.split("\n").length + 1)}
        value={text}
        aria-invalid={isWrong}
        aria-describedby={isWrong ? `${id}e` : undefined}
        onInput={(event) => type(event.currentTarget.value)}
      />
      {isWrong && (
        <p class="wrong" id={`${id}e`}>
          This is not JSON yet; the last value that was counts.
        </p>
      )}
    </div>
  );
}

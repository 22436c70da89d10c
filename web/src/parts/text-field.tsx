import type { InputHTMLAttributes, Ref } from "preact";
import { useId } from "preact/hooks";

/** What an input is given beside what this file gives it. */
type InputProps = Pick<
  InputHTMLAttributes,
  "name" | "value" | "required" | "maxLength" | "pattern" | "title" | "placeholder" | "autocomplete" | "onInput"
>;

interface TextFieldProps extends InputProps {
  readonly label: string;
  readonly type?: "text" | "search" | "password";
  readonly hint?: string;
  /** What is wrong with it. */
  readonly wrong?: string | false | undefined;
  /** What one may choose from, though one may write something else. */
  readonly choices?: readonly string[];
  readonly fieldRef?: Ref<HTMLInputElement> | undefined;
  readonly class?: string;
}

export function TextField({ label, hint, wrong, choices, fieldRef, class: name = "", type = "text", ...input }: TextFieldProps) {
  const id = useId();
  const note = wrong || hint;
  return (
    <div class={`field ${name}`}>
      <label for={id}>{label}</label>
      <input
        autocomplete="off"
        {...input}
        type={type as "text"} // the types of Preact know a `list` for some types only
        id={id}
        ref={fieldRef ?? null}
        {...(choices && { list: `${id}l` })}
        aria-invalid={Boolean(wrong)}
        aria-describedby={note ? `${id}n` : undefined}
      />
      {choices && (
        <datalist id={`${id}l`}>
          {choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
      {note && (
        <p class={wrong ? "wrong" : "hint"} id={`${id}n`}>
          {note}
        </p>
      )}
    </div>
  );
}

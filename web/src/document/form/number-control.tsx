import { useEffect, useState } from "preact/hooks";
import { namesOf } from "../../parts/pointer";
import { isExact } from "../digits";
import type { ControlProps } from "./field";
import { useForm } from "./in-form";

const json = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** A number stays text while somebody types: "1e" and "-" are on the way to one. */
export function NumberControl({ path, value, schema, id, describedBy, invalid }: ControlProps) {
  const { state } = useForm();
  const [text, setText] = useState(String(value));
  const replaced = state.replaced.value;
  useEffect(() => {
    if (Number(text) !== value || text.trim() === "") setText(String(value));
  }, [value, replaced]);
  const type = (typed: string) => {
    setText(typed);
    const missing = lacking(typed.trim(), schema?.type === "integer");
    state.finish(path, missing);
    if (missing === undefined) state.set(namesOf(path), Number(typed));
  };
  return (
    <input
      id={id}
      class="number"
      inputMode="decimal"
      autocomplete="off"
      value={text}
      aria-describedby={describedBy}
      aria-invalid={invalid}
      onInput={(event) => type(event.currentTarget.value)}
    />
  );
}

function lacking(text: string, isWhole: boolean): string | undefined {
  if (!json.test(text)) return "Not a number yet: digits, perhaps with a point, such as 12.5.";
  if (!isExact(text)) return "More digits than this field can keep. Edit the document as text.";
  return isWhole && !Number.isInteger(Number(text)) ? "A whole number is needed." : undefined;
}

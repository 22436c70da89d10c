import { useEffect, useRef, useState } from "preact/hooks";
import { namesOf } from "../../parts/pointer";
import type { ControlProps } from "./field";
import { useForm } from "./in-form";

// Beyond this the browser alone keeps the text while somebody types, and hands it over now and then.
const largeCharacters = 20_000;
const handOverMs = 40;

/** What the keyboard of a telephone should offer. */
const inputModes: Readonly<Record<string, "email" | "url" | "tel">> = { email: "email", uri: "url", phone: "tel" };

export function TextControl(props: ControlProps) {
  const text = String(props.value ?? "");
  // Chosen once: a field that changed its element while somebody types would lose the focus.
  const [isLarge] = useState(text.length > largeCharacters);
  return isLarge ? <LargeText {...props} /> : <SmallText {...props} />;
}

function SmallText({ path, value, schema, id, describedBy, invalid }: ControlProps) {
  const { state } = useForm();
  const text = String(value ?? "");
  const shared = {
    id,
    "aria-describedby": describedBy,
    "aria-invalid": invalid,
    value: text,
    onInput: (event: { readonly currentTarget: HTMLInputElement | HTMLTextAreaElement }) =>
      state.set(namesOf(path), event.currentTarget.value),
  };
  // A date that the browser's own control does not know would be shown as none.
  const [isDate] = useState(schema?.format === "date" && /^\d{4}-\d\d-\d\d$/.test(text));
  const [rows] = useState(Math.min(12, text.split("\n").length + Math.floor(text.length / 90)));
  if (isDate) return <input {...shared} type="date" />;
  const inputMode = inputModes[schema?.format ?? ""];
  if (inputMode) return <input {...shared} inputMode={inputMode} />;
  return <textarea {...shared} class="grows" rows={rows} spellcheck />;
}

function LargeText({ path, value, id, describedBy, invalid }: ControlProps) {
  const { state } = useForm();
  const area = useRef<HTMLTextAreaElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const replaced = state.replaced.value;
  useEffect(() => {
    if (area.current && area.current.value !== value) area.current.value = String(value);
  }, [replaced]);
  const handOver = () => {
    clearTimeout(timer.current);
    timer.current = undefined;
    if (area.current) state.set(namesOf(path), area.current.value);
  };
  const onInput = () => {
    state.waiting(handOver);
    timer.current ??= setTimeout(() => state.flush(), handOverMs);
  };
  return (
    <textarea
      ref={area}
      id={id}
      class="large"
      rows={18}
      spellcheck={false}
      aria-describedby={describedBy}
      aria-invalid={invalid}
      onInput={onInput}
    />
  );
}

import { useRef, useState } from "preact/hooks";
import { LongText } from "../../parts/long-text";
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
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const onTyped = (read: () => string) => {
    if (timer.current !== undefined) return;
    state.waiting(() => {
      clearTimeout(timer.current);
      timer.current = undefined;
      state.set(namesOf(path), read());
    });
    timer.current = setTimeout(() => state.flush(), handOverMs);
  };
  return (
    <LongText
      id={id}
      class="large"
      rows={18}
      text={String(value)}
      revision={state.replaced.value}
      aria-describedby={describedBy}
      aria-invalid={invalid}
      onTyped={onTyped}
    />
  );
}

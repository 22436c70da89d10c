import { useEffect, useId, useRef, useState } from "preact/hooks";
import { mistakeOf, type SyntaxMistake } from "./json-syntax";

const checkMs = 400;
// A larger text is checked when it is saved: to check it takes longer than between two keys.
const checkedCharacters = 300_000;

interface RawTextProps {
  readonly text: string;
  readonly disabled?: boolean;
  readonly onText: (text: string) => void;
}

/** The whole document as JSON text. The browser keeps the text; it is handed over at each change. */
export function RawText({ text, disabled = false, onText }: RawTextProps) {
  const [mistake, setMistake] = useState<SyntaxMistake>();
  const area = useRef<HTMLTextAreaElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const id = useId();
  useEffect(() => {
    if (area.current && area.current.value !== text) area.current.value = text;
  }, [text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onInput = (typed: string) => {
    onText(typed);
    clearTimeout(timer.current);
    if (typed.length <= checkedCharacters) timer.current = setTimeout(() => setMistake(mistakeOf(typed)), checkMs);
  };
  const goThere = () => {
    if (!mistake || !area.current) return;
    const before = area.current.value.split("\n").slice(0, mistake.line - 1).join("\n").length;
    const offset = before + (mistake.line > 1 ? 1 : 0) + mistake.column - 1;
    area.current.focus();
    area.current.setSelectionRange(offset, offset + 1);
  };
  return (
    <div class="field raw">
      <label for={id}>The document as JSON text</label>
      <textarea
        ref={area}
        id={id}
        rows={24}
        spellcheck={false}
        autocapitalize="off"
        disabled={disabled}
        aria-invalid={mistake !== undefined}
        aria-describedby={`${id}e`}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <p class="wrong" id={`${id}e`} role="status">
        {mistake && (
          <>
            Line {mistake.line}, column {mistake.column}: <bdi>{mistake.message}</bdi>{" "}
            <button type="button" class="link" onClick={goThere}>
              Go there
            </button>
          </>
        )}
      </p>
    </div>
  );
}

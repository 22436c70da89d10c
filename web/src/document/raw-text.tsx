import { useEffect, useId, useRef, useState } from "preact/hooks";
import { LongText, partCharacters } from "../parts/long-text";
import { mistakeOf, type SyntaxMistake } from "./json-syntax";

// A text of several parts is checked when it is saved.
const checkMs = 400;

interface RawTextProps {
  readonly text: string;
  readonly disabled?: boolean;
  readonly onText: (text: string) => void;
}

/** The whole document as JSON text. The browser keeps the text; it is handed over at each change. */
export function RawText({ text, disabled = false, onText }: RawTextProps) {
  const [mistake, setMistake] = useState<SyntaxMistake>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const id = useId();
  useEffect(() => () => clearTimeout(timer.current), []);
  const onTyped = (read: () => string) => {
    clearTimeout(timer.current);
    onText(read());
    if (text.length <= partCharacters) timer.current = setTimeout(() => setMistake(mistakeOf(read())), checkMs);
  };
  const goThere = () => {
    const area = document.getElementById(id);
    if (!mistake || !(area instanceof HTMLTextAreaElement)) return;
    const before = area.value.split("\n").slice(0, mistake.line - 1);
    const offset = before.reduce((sum, line) => sum + line.length + 1, 0) + mistake.column - 1;
    area.focus();
    area.setSelectionRange(offset, offset + 1);
  };
  return (
    <div class="field raw">
      <label for={id}>The document as JSON text</label>
      <LongText
        id={id}
        rows={24}
        text={text}
        revision={text}
        autocapitalize="off"
        disabled={disabled}
        aria-invalid={mistake !== undefined}
        aria-describedby={`${id}e`}
        onTyped={onTyped}
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

import type { TextareaHTMLAttributes } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** More than this at once, and the browser itself needs longer for a key than between two keys. */
export const partCharacters = 20_000;

interface LongTextProps extends Omit<TextareaHTMLAttributes, "value" | "onInput"> {
  readonly text: string;
  /** Another number: the text was replaced, and is shown anew. */
  readonly revision: unknown;
  /** `read` gives the whole text as it is then. */
  readonly onTyped: (read: () => string) => void;
}

/** A text of any length. The browser keeps what is typed, and of a long text only one part is in the field. */
export function LongText({ text, revision, onTyped, ...rest }: LongTextProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const parts = useRef<string[]>([]);
  const [{ shown, count }, setShown] = useState({ shown: 0, count: 1 });
  const take = () => {
    if (area.current) parts.current[shown] = area.current.value;
  };
  // Before the browser shows the field: nobody can type into it while it lacks its text.
  useLayoutEffect(() => {
    if (parts.current.join("") === text) return;
    parts.current = partsOf(text);
    const next = Math.min(shown, parts.current.length - 1);
    if (area.current) area.current.value = parts.current[next] ?? "";
    setShown({ shown: next, count: parts.current.length });
  }, [revision]);
  const show = (next: number) => {
    take();
    if (area.current) area.current.value = parts.current[next] ?? "";
    setShown({ shown: next, count });
  };
  const read = () => {
    take();
    return parts.current.join("");
  };
  return (
    <>
      {count > 1 && (
        <div class="actions" role="group" aria-label="Parts of this long text">
          <button type="button" class="button quiet" disabled={shown === 0} onClick={() => show(shown - 1)}>
            ← Before
          </button>
          <span role="status">
            Part {shown + 1} of {count}
          </span>
          <button type="button" class="button quiet" disabled={shown === count - 1} onClick={() => show(shown + 1)}>
            After →
          </button>
        </div>
      )}
      <textarea {...rest} ref={area} spellcheck={false} onInput={() => onTyped(read)} />
    </>
  );
}

/** The text in parts that end with a line, where there are lines. */
function partsOf(text: string): string[] {
  const parts: string[] = [];
  for (let begin = 0; begin < text.length || parts.length === 0; ) {
    let end = Math.min(text.length, begin + partCharacters);
    if (end < text.length) {
      const line = text.lastIndexOf("\n", end) + 1;
      if (line > begin + partCharacters / 2) end = line;
      else if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end--;
    }
    parts.push(text.slice(begin, end));
    begin = end;
  }
  return parts;
}

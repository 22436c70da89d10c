import { diffLines, diffWordsWithSpace, type Change } from "diff";
import { useMemo } from "preact/hooks";
import { ValueView } from "./value-view";

// Beyond this, finding differences takes longer than somebody waits for it.
const wordsCharacters = 20_000;
const linesCharacters = 400_000;

/** What was taken out and what was put in, word by word. Signs and not colours alone tell which is which. */
export function WordDiff({ from, to }: { readonly from: unknown; readonly to: unknown }) {
  const parts = useMemo(() => difference(textOf(from), textOf(to)), [from, to]);
  if (from === undefined && to === undefined) return <ValueView value={undefined} />;
  if (to === undefined) {
    return (
      <span class="diff">
        <del>
          <ValueView value={from} />
        </del>
        <span class="muted"> (removed)</span>
      </span>
    );
  }
  if (parts === undefined) {
    return (
      <span class="diff">
        <del>
          <ValueView value={from} />
        </del>{" "}
        <ins>
          <ValueView value={to} />
        </ins>
      </span>
    );
  }
  return (
    <bdi class="diff value">
      {parts.map((part, index) => (
        <Part key={index} part={part} />
      ))}
    </bdi>
  );
}

function Part({ part }: { readonly part: Change }) {
  if (part.added) return <ins>{part.value}</ins>;
  if (part.removed) return <del>{part.value}</del>;
  return <span>{shortened(part.value)}</span>;
}

// Of a long text that stayed, its ends are enough to see where one is.
function shortened(text: string): string {
  return text.length > 600 ? `${text.slice(0, 250)} … ${text.slice(-250)}` : text;
}

function textOf(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, undefined, 1);
}

function difference(from: string, to: string): Change[] | undefined {
  const characters = from.length + to.length;
  const options = { timeout: 150 };
  if (characters <= wordsCharacters) return diffWordsWithSpace(from, to, options);
  return characters <= linesCharacters ? diffLines(from, to, options) : undefined;
}

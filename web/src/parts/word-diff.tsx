import { diffArrays } from "diff";
import { useMemo } from "preact/hooks";
import { isPlainList, ValueView } from "./value-view";

// Beyond this, words are too many to compare while somebody waits, and lines do.
const wordsCharacters = 20_000;
const linesCharacters = 400_000;
const timeoutMs = 150;

interface Part {
  readonly value: readonly string[];
  readonly added: boolean;
  readonly removed: boolean;
}

/** What was taken out and what was put in, word by word. Signs and not colours alone tell which is which. */
export function WordDiff({ from, to }: { readonly from: unknown; readonly to: unknown }) {
  const parts = useMemo(() => difference(from, to), [from, to]);
  if (from === undefined && to === undefined) return <ValueView value={undefined} />;
  if (parts) {
    const isList = isPlainList(to);
    return (
      <bdi class={isList ? "diff value items" : "diff value"}>
        {parts.map((part, index) => (isList ? <Items key={index} part={part} /> : <Words key={index} part={part} />))}
      </bdi>
    );
  }
  return (
    <span class="diff">
      {from !== undefined && (
        <del>
          <ValueView value={from} />
        </del>
      )}{" "}
      {to === undefined ? (
        <span class="muted">(removed)</span>
      ) : (
        <ins>
          <ValueView value={to} />
        </ins>
      )}
    </span>
  );
}

function Words({ part }: { readonly part: Part }) {
  const text = part.value.join("");
  if (part.added) return <ins>{text}</ins>;
  if (part.removed) return <del>{text}</del>;
  // Of a long text that stayed, its ends are enough to see where one is.
  return <>{text.length > 600 ? `${text.slice(0, 250)} … ${text.slice(-250)}` : text}</>;
}

function Items({ part }: { readonly part: Part }) {
  const Tag = part.added ? "ins" : part.removed ? "del" : "span";
  return (
    <>
      {part.value.map((item, index) => (
        <Tag key={index} class="item">
          <bdi>{item}</bdi>
        </Tag>
      ))}
    </>
  );
}

function difference(from: unknown, to: unknown): readonly Part[] | undefined {
  if (to === undefined || (isPlainList(to) && from !== undefined && !isPlainList(from))) return undefined;
  if (isPlainList(to)) return diffArrays(((from ?? []) as unknown[]).map(String), to.map(String), { timeout: timeoutMs });
  const [before, after] = [textOf(from), textOf(to)];
  const characters = before.length + after.length;
  if (characters > linesCharacters) return undefined;
  const cut = characters > wordsCharacters ? /(?<=\n)/ : /(?<=\s)(?=\S)|\b/u;
  const cutUp = (text: string) => (text === "" ? [] : text.split(cut));
  return diffArrays(cutUp(before), cutUp(after), { timeout: timeoutMs });
}

function textOf(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, undefined, 1);
}

import { isObject } from "./pointer";

const shownCharacters = 2000;

/** A value as somebody reads it: quotes only where a text could be taken for something else. */
export function ValueView({ value }: { readonly value: unknown }) {
  if (value === undefined) return <span class="absent">nothing</span>;
  if (value === "") return <span class="absent">empty text</span>;
  if (typeof value === "string") {
    const isLong = value.length > shownCharacters;
    return (
      <bdi class="value text">
        {isLong ? value.slice(0, shownCharacters) : value}
        {isLong && <span class="muted"> … {(value.length - shownCharacters).toLocaleString()} more characters</span>}
      </bdi>
    );
  }
  if (Array.isArray(value) || isObject(value)) {
    const text = JSON.stringify(value, undefined, 1);
    return (
      <bdi class="value json">
        {text.slice(0, shownCharacters)}
        {text.length > shownCharacters && <span class="muted"> …</span>}
      </bdi>
    );
  }
  return <span class="value json">{String(value)}</span>;
}

/** A value in one line, for tables. */
export function brief(value: unknown, characters = 120): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value.slice(0, characters).replace(/\s+/g, " ");
  if (Array.isArray(value)) return briefList(value, characters);
  if (isObject(value)) return `{ ${Object.keys(value).slice(0, 5).join(", ")}${Object.keys(value).length > 5 ? ", …" : ""} }`;
  return String(value);
}

function briefList(items: readonly unknown[], characters: number): string {
  if (items.length === 0) return "[ ]";
  const isPlain = items.length <= 8 && items.every((item) => typeof item !== "object" || item === null);
  return isPlain ? items.map((item) => brief(item, characters)).join(", ") : `${items.length} items`;
}

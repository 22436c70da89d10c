import { isObject } from "./pointer";

const shownCharacters = 2000;
const shownItems = 100;

/** A list of texts and numbers, which is read item by item and not as JSON. */
export function isPlainList(value: unknown): value is readonly (string | number | boolean)[] {
  return Array.isArray(value) && value.every((item) => item !== "" && ["string", "number", "boolean"].includes(typeof item));
}

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
  if (isPlainList(value) && value.length > 0) {
    return (
      <bdi class="value items">
        {value.slice(0, shownItems).map((item, index) => (
          <bdi key={index} class="item">
            {String(item)}
          </bdi>
        ))}
        {value.length > shownItems && <span class="muted">and {value.length - shownItems} more</span>}
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
  // Beyond 2^53 a browser rounds.
  const isRounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isRounded ? `≈ ${value}` : String(value);
}

function briefList(items: readonly unknown[], characters: number): string {
  if (items.length === 0) return "[ ]";
  const isPlain = items.length <= 8 && items.every((item) => typeof item !== "object" || item === null);
  return isPlain ? items.map((item) => brief(item, characters)).join(", ") : `${items.length} items`;
}

import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Dialog } from "../parts/dialog";
import { keyOf } from "./conflict-field";
import type { DecisionKind } from "./collision";

interface Keys {
  readonly places: RefObject<(HTMLFieldSetElement | null)[]>;
  readonly onChoose: (index: number, kind: DecisionKind) => void;
  readonly onOriginal: () => void;
  readonly onSave: () => void;
  readonly onHelp: () => void;
  readonly onCancel: () => void;
}

/** Keys of the merge view, except where somebody writes. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    let index = -1;
    const onKeyDown = (event: KeyboardEvent) => {
      if (isWriting(event.target) || document.querySelector("dialog[open]")) return;
      const { places, onChoose, onOriginal, onSave, onHelp, onCancel } = latest.current;
      const shown = places.current.filter((place) => place !== null);
      // Where the focus is, is where somebody is.
      const focused = shown.findIndex((place) => place.contains(document.activeElement));
      if (focused >= 0) index = focused;
      const step = (by: number) => {
        index = Math.max(0, Math.min(shown.length - 1, index + by));
        shown[index]?.focus();
      };
      const chosen = (Object.keys(keyOf) as DecisionKind[]).find((kind) => keyOf[kind] === event.key);
      if ((event.ctrlKey || event.metaKey) && event.key === "Enter") onSave();
      else if (event.ctrlKey || event.metaKey || event.altKey) return;
      else if (event.key === "n") step(1);
      else if (event.key === "p") step(-1);
      else if (event.key === "b") onOriginal();
      else if (event.key === "?") onHelp();
      else if (event.key === "Escape") onCancel();
      else if (chosen && index >= 0) onChoose(index, chosen);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
}

function isWriting(target: EventTarget | null): boolean {
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && target.type !== "radio" && target.type !== "checkbox";
}

const list: readonly (readonly [string, string])[] = [
  ["n / p", "the next conflict, the one before"],
  ["1", "theirs"],
  ["2", "yours"],
  ["3", "both"],
  ["4", "the original"],
  ["5", "write another value"],
  ["b", "show the original everywhere"],
  ["Ctrl + Enter", "save"],
  ["Esc", "cancel; your text stays a draft"],
  ["?", "this list"],
];

export function MergeKeys({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        {list.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">They do nothing while you write in a field.</p>
    </Dialog>
  );
}

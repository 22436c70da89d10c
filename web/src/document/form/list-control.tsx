import { useRef, useState } from "preact/hooks";
import { Button } from "../../parts/button";
import { say } from "../../parts/live-region";
import { inWords, namesOf } from "../../parts/pointer";
import type { ControlProps } from "./field";
import { Field } from "./field";
import { useForm } from "./in-form";
import { blankOf } from "./kind";

const shownAtFirst = 40;
const shownMore = 100;

export function ListControl({ path, value, schema }: ControlProps) {
  const { state } = useForm();
  const [shown, setShown] = useState(shownAtFirst);
  const list = useRef<HTMLOListElement>(null);
  const items = value as readonly unknown[];
  // To add or move is to write the whole list anew, and then these digits would be rounded.
  const isFixed = [...state.digits.value.keys()].some((place) => place.startsWith(`${path}/`));
  const put = (next: readonly unknown[]) => state.set(namesOf(path), next);
  const focus = (index: number, selector: string) =>
    requestAnimationFrame(() => list.current?.children[index]?.querySelector<HTMLElement>(selector)?.focus());
  const move = (from: number, to: number) => {
    const next = items.toSpliced(from, 1).toSpliced(to, 0, items[from]);
    put(next);
    say(`Moved to the ${inWords(`/${to}`)} place`);
    focus(to, to < from ? ".up" : ".down");
  };
  const remove = (index: number) => {
    put(items.toSpliced(index, 1));
    say(`The ${inWords(`/${index}`)} was removed`);
    focus(Math.min(index, items.length - 2), ".remove");
  };
  const add = () => {
    put([...items, blankOf(schema?.items, items.at(-1))]);
    setShown(Math.max(shown, items.length + 1));
    focus(items.length, "input, textarea, select");
  };
  return (
    <div class="list">
      {items.length === 0 && <p class="absent">No items</p>}
      <ol ref={list}>
        {items.slice(0, shown).map((item, index) => (
          <li key={index}>
            <Field path={`${path}/${index}`} value={item} schema={schema?.items} isItem />
            {!isFixed && (
              <div class="item-actions">
                <ItemButton class="up" label={`Move the ${inWords(`/${index}`)} up`} disabled={index === 0} onClick={() => move(index, index - 1)}>
                  ↑
                </ItemButton>
                <ItemButton
                  class="down"
                  label={`Move the ${inWords(`/${index}`)} down`}
                  disabled={index === items.length - 1}
                  onClick={() => move(index, index + 1)}
                >
                  ↓
                </ItemButton>
                <ItemButton class="remove" label={`Remove the ${inWords(`/${index}`)}`} onClick={() => remove(index)}>
                  ×
                </ItemButton>
              </div>
            )}
          </li>
        ))}
      </ol>
      {items.length > shown && (
        <Button onClick={() => setShown(shown + shownMore)}>Show more of {(items.length - shown).toLocaleString()}</Button>
      )}
      {isFixed ? (
        <p class="hint">This list holds numbers that a browser would round. Edit the document as text to add or move items.</p>
      ) : (
        <Button kind="quiet" onClick={add}>
          + Add an item
        </Button>
      )}
    </div>
  );
}

interface ItemButtonProps {
  readonly class: string;
  readonly label: string;
  readonly disabled?: boolean;
  readonly onClick: () => void;
  readonly children: string;
}

function ItemButton({ class: name, label, disabled = false, onClick, children }: ItemButtonProps) {
  return (
    <button type="button" class={`button quiet ${name}`} aria-label={label} title={label} disabled={disabled} onClick={onClick}>
      {children}
    </button>
  );
}

import { signal } from "@preact/signals";
import { pointerOf, withValueAt, type Names } from "../../parts/pointer";

/** Whose changes a place has: JSON Pointers of what differs from the base of the edit. */
export interface Marks {
  readonly yours: readonly string[];
  readonly theirs: readonly string[];
}

type Texts = ReadonlyMap<string, string>;

/** What a form shows and changes: a value, and what is to be said at its places. */
export class FormState {
  readonly value;
  readonly marks = signal<Marks>({ yours: [], theirs: [] });
  /** What the server found wrong, by place. */
  readonly violations = signal<Texts>(new Map());
  /** Fields that hold what is no value yet, such as a number half typed, by place. */
  readonly unfinished = signal<Texts>(new Map());
  /** Numbers that JavaScript cannot hold, with all their digits, by place. */
  readonly digits = signal<Texts>(new Map());
  /** Rises when the value is replaced as a whole: fields that keep their own text then take the new one. */
  readonly replaced = signal(0);
  readonly #waiting = new Set<() => void>();

  constructor(
    value: unknown,
    private readonly onChange: () => void,
  ) {
    this.value = signal(value);
  }

  /** Sets the value of a place; `undefined` removes it. */
  set(names: Names, value: unknown): void {
    this.value.value = withValueAt(this.value.peek(), names, value);
    const path = pointerOf(names);
    if (this.violations.peek().has(path)) this.violations.value = without(this.violations.peek(), path);
    this.onChange();
  }

  /** Shows another value, which nobody typed. */
  replace(value: unknown): void {
    this.value.value = value;
    this.unfinished.value = new Map();
    // What was typed in this very moment goes into the new value.
    this.flush();
    this.replaced.value++;
  }

  /** Says what is missing for the field to have a value; `undefined` when it has one. */
  finish(path: string, missing: string | undefined): void {
    if (missing === undefined) {
      if (this.unfinished.peek().has(path)) this.unfinished.value = without(this.unfinished.peek(), path);
    } else {
      this.unfinished.value = new Map(this.unfinished.peek()).set(path, missing);
      this.onChange();
    }
  }

  /** A field that has text which it has not handed over yet. */
  waiting(handOver: () => void): void {
    this.#waiting.add(handOver);
  }

  /** Takes all that was typed. */
  flush(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const handOver of waiting) handOver();
  }
}

function without(texts: Texts, path: string): Texts {
  const rest = new Map(texts);
  rest.delete(path);
  return rest;
}

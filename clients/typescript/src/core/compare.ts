/**
 * Two edits of one base, where the server cannot merge: what touches different places goes together, the rest is for
 * somebody to decide. (Detente merges by itself, with a strategy for each place.)
 */
import { changes, equal, type Change } from "./change.js";
import type { Choice, Choices, FieldConflict } from "./conflict.js";
import { present } from "./members.js";
import { at, names, pointer } from "./pointer.js";

export interface Comparison {
  /** What only we changed: to be made on theirs. */
  readonly ours: Change[];
  readonly conflicts: FieldConflict[];
}

export function compare(base: unknown, mine: unknown, theirs: unknown): Comparison {
  const others = new Places(changes(base, theirs));
  const ours: Change[] = [];
  const conflicts = new Map<string, FieldConflict>();
  for (const change of changes(base, mine)) {
    const place = others.meeting(change.path);
    if (!place) {
      ours.push(change);
      continue;
    }
    const values = { base: at(base, place), yours: at(mine, place), current: at(theirs, place) };
    if (equal(values.yours, values.current)) continue;
    const path = pointer(place);
    conflicts.set(path, { path, kind: kind(values), strategy: "manual", ...present(values) });
  }
  return { ours, conflicts: [...conflicts.values()] };
}

/** What is to be made on theirs when somebody has decided; `undefined` if a conflict has no choice. */
export function decide({ ours, conflicts }: Comparison, choices: Choices): Change[] | undefined {
  const decided = conflicts.map(({ path, ...values }): Change | undefined => {
    const choice = Object.hasOwn(choices, path) ? choices[path] : undefined;
    return choice && { path: names(path), value: chosen(choice, values) };
  });
  return decided.every((change) => change !== undefined) ? [...ours, ...decided] : undefined;
}

function chosen(choice: Choice, values: Values): unknown {
  if (typeof choice === "object") return choice.value;
  return values[choice];
}

interface Values {
  readonly base?: unknown;
  readonly yours?: unknown;
  readonly current?: unknown;
}

function kind({ base, yours, current }: Values): string {
  if (base === undefined) return "add-add";
  if (yours === undefined) return "delete-edit";
  return current === undefined ? "edit-delete" : "edit-edit";
}

/** Places that one side changed, to be asked about quickly. */
class Places {
  readonly #changed = new Set<string>();
  /** All that is above one of them. */
  readonly #above = new Set<string>();

  constructor(made: readonly Change[]) {
    for (const { path } of made) {
      this.#changed.add(pointer(path));
      for (let depth = 0; depth < path.length; depth++) this.#above.add(pointer(path.slice(0, depth)));
    }
  }

  /** The outer of two places if one of these is `path`, above it or within it. */
  meeting(path: readonly string[]): readonly string[] | undefined {
    for (let depth = 0; depth <= path.length; depth++) {
      const outer = path.slice(0, depth);
      if (this.#changed.has(pointer(outer))) return outer;
    }
    return this.#above.has(pointer(path)) ? path : undefined;
  }
}

/** Two edits of one base that exclude each other somewhere, and what is decided about it. Pure functions. */
import type { Choice, Choices, FieldConflict, Joined } from "detente-client";
import { differingPlaces, same } from "../document/places";
import { isObject, namesOf, overlap, valueAt, withValueAt } from "../parts/pointer";

export interface Collision {
  /** What both edits began from, if it is known. */
  readonly original: unknown;
  readonly theirs: unknown;
  readonly yours: unknown;
  /** All that can be merged; in the places in conflict it has their value. */
  readonly merged: unknown;
  readonly fields: readonly FieldConflict[];
  readonly joined: readonly Joined[];
}

export type DecisionKind = "theirs" | "yours" | "both" | "original" | "edit";

export interface Decision {
  readonly kind: DecisionKind;
  readonly value?: unknown;
  /** The three values that somebody decided on, as text: for others, the decision does not stand. */
  readonly inputs: string;
}

export type Decisions = ReadonlyMap<string, Decision>;

/** A place that was merged without a question. */
export interface Merged {
  readonly path: string;
  readonly from: "theirs" | "yours" | "both";
  /** Whether a person should read what came of it. */
  readonly review: boolean;
}

export interface Inputs {
  readonly base?: unknown;
  readonly yours?: unknown;
  readonly current?: unknown;
}

export function inputsText({ base, yours, current }: Inputs): string {
  return JSON.stringify([base, yours, current].map((value) => (value === undefined ? [] : [value])));
}

/** The decision about a place, if it was made on these values. */
export function standing(decisions: Decisions, path: string, inputs: Inputs): Decision | undefined {
  const decision = decisions.get(path);
  return decision?.inputs === inputsText(inputs) ? decision : undefined;
}

export function inputsAt({ original, theirs, yours }: Collision, path: string): Inputs {
  const names = namesOf(path);
  return { base: valueAt(original, names), yours: valueAt(yours, names), current: valueAt(theirs, names) };
}

/** What was merged without a question: theirs, yours, and what a strategy joined. */
export function mergedPlaces(collision: Collision): Merged[] {
  const { original, theirs, yours, fields, joined } = collision;
  if (original === undefined) return [];
  const [byThem, byYou] = [differingPlaces(original, theirs), differingPlaces(original, yours)];
  const isAsked = (path: string) => fields.some((field) => overlap(field.path, path));
  const places = [...new Set([...byThem, ...byYou])].filter((path) => !isAsked(path));
  return places.map((path) => {
    const isBoth = byThem.includes(path) && byYou.includes(path);
    const review = joined.some((one) => one.review === true && overlap(one.path, path));
    return { path, from: isBoth ? "both" : byThem.includes(path) ? "theirs" : "yours", review };
  });
}

/** Both values in one, where that has a sense: two texts, or two lists taken as sets. */
export function both({ base, yours, current }: Inputs): unknown {
  if (typeof yours === "string" && typeof current === "string") return bothTexts(typeof base === "string" ? base : "", yours, current);
  if (!Array.isArray(yours) || !Array.isArray(current)) return undefined;
  const before: readonly unknown[] = Array.isArray(base) ? base : [];
  const has = (items: readonly unknown[], item: unknown) => items.some((one) => same(one, item));
  const kept = current.filter((item) => has(yours, item) || !has(before, item));
  return [...kept, ...yours.filter((item) => !has(before, item) && !has(kept, item))];
}

function bothTexts(base: string, yours: string, theirs: string): string {
  if (base !== "" && yours.startsWith(base) && theirs.startsWith(base)) return theirs + yours.slice(base.length);
  const isLong = `${yours}${theirs}`.includes("\n") || yours.length + theirs.length > 160;
  return isLong ? `${theirs.replace(/\n$/, "")}\n\n${yours}` : `${theirs} / ${yours}`;
}

/** What a place becomes. */
export function valueOf({ kind, value }: Pick<Decision, "kind" | "value">, inputs: Inputs): unknown {
  switch (kind) {
    case "theirs":
      return inputs.current;
    case "yours":
      return inputs.yours;
    case "original":
      return inputs.base;
    case "both":
      return both(inputs);
    case "edit":
      return value;
  }
}

/** The decisions as the server takes them: a side by its name, which keeps all its digits. */
export function choicesOf(collision: Collision, decisions: Decisions): Choices {
  const chosen = new Map<string, Choice>();
  for (const { path, inputs } of decidable(collision)) {
    const decision = standing(decisions, path, inputs);
    if (decision) chosen.set(path, choiceOf(decision, inputs));
  }
  return Object.fromEntries(chosen);
}

function choiceOf(decision: Decision, inputs: Inputs): Choice {
  switch (decision.kind) {
    case "theirs":
      return "current";
    case "yours":
      return "yours";
    case "original":
      return "base";
    default:
      return { value: valueOf(decision, inputs) };
  }
}

/** All places about which somebody has decided or may decide, with the values there. */
export function decidable(collision: Collision): { readonly path: string; readonly inputs: Inputs }[] {
  const fields = collision.fields.map((field) => ({ path: field.path, inputs: field as Inputs }));
  const isWithin = (path: string) => fields.some((field) => overlap(field.path, path));
  const others = otherPlaces(collision).filter((path) => !isWithin(path));
  return [...fields, ...others.map((path) => ({ path, inputs: inputsAt(collision, path) }))];
}

/** The places beside the conflicts: what was merged, and members that nobody changed. */
export function otherPlaces(collision: Collision): string[] {
  const merged = mergedPlaces(collision).map(({ path }) => path);
  const taken = [...merged, ...collision.fields.map(({ path }) => path)];
  const members = isObject(collision.merged) ? Object.keys(collision.merged) : [];
  const untouched = members.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  return [...merged, ...untouched.filter((path) => !taken.some((place) => overlap(place, path)))];
}

/** What would be stored. */
export function resultOf(collision: Collision, decisions: Decisions): unknown {
  let result = collision.merged;
  for (const { path, inputs } of decidable(collision)) {
    const decision = standing(decisions, path, inputs);
    const names = decision && placeIn(result, namesOf(path));
    if (decision && names) result = withValueAt(result, names, valueOf(decision, inputs));
  }
  return result;
}

/**
 * The way to a place by members and indexes. In a keyed list, conflicts name an element by its key and not by its index.
 * `undefined` if there is no such element.
 */
function placeIn(value: unknown, names: readonly string[]): string[] | undefined {
  const [name, ...rest] = names;
  if (name === undefined) return [];
  let step = name;
  if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(name)) {
    const index = value.findIndex((item) => isObject(item) && Object.values(item).some((member) => String(member) === name));
    if (index < 0) return undefined;
    step = String(index);
  }
  const within = placeIn(valueAt(value, [step]), rest);
  return within && [step, ...within];
}

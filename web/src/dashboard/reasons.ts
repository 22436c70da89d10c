import type { FieldConflict } from "detente-client";

const reasons: Readonly<Record<string, string>> = {
  "edit-edit": "both changed it, to different values",
  "delete-edit": "one removed it, the other changed it",
  "edit-delete": "one changed it, the other removed it",
  "add-add": "both added it, with different values",
  type: "both changed it, to values of different types",
  order: "both changed the order",
  text: "both changed the same words",
  constraint: "the two edits together break a rule",
  inapplicable: "the patch does not fit the version that it was made for",
};

/** Why a place is in conflict, in words. */
export function reasonOf({ kind, message }: FieldConflict): string {
  return message ?? reasons[kind] ?? kind.replaceAll("-", " ");
}

/** Who spoke: a rule, or the strategy of the place. */
export function authorityOf(conflict: FieldConflict & { readonly rule?: string }): string {
  if (conflict.rule !== undefined) return `The rule ${conflict.rule} refused the merge.`;
  if (conflict.strategy === "manual") return "No strategy is declared for it, so a person decides.";
  return `Its strategy, “${conflict.strategy}”, could not join the two.`;
}

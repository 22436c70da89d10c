import type { FieldConflict } from "detente-client";

/** Who made the two edits, in words: "Ben" and "you", or, for whoever goes through the log, "Ben" and "Ana". */
export interface Sides {
  readonly they: string;
  readonly you: string;
}

/** Why a place is in conflict, in words. */
export function reasonOf(field: FieldConflict, { they, you }: Sides): string {
  const { base, yours, current, kind, message, strategy } = field;
  if (kind === "constraint") return message ?? "together, the two edits break a rule";
  if (base !== undefined && yours === undefined) return `${you} removed it, ${they} changed it`;
  if (base !== undefined && current === undefined) return `${they} removed it, ${you} changed it`;
  if (base === undefined) return `${you} and ${they} both added it`;
  if (strategy === "group") return `it belongs with other members, which ${you} and ${they} changed`;
  switch (kind) {
    case "text":
      return `${you} and ${they} changed the same words`;
    case "order":
      return `${you} and ${they} changed the order`;
    case "type":
    case "inapplicable":
      return "the two values cannot be joined";
    default:
      return `${you} and ${they} both changed it`;
  }
}

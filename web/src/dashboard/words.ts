/** Numbers and kinds, as people say them. */

const units = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** "3.5 minutes", of a number of seconds. */
export function durationWords(seconds: number): string {
  for (const [unit, length] of units) if (seconds >= length) return inUnit(seconds / length, unit);
  return seconds < 1 ? "< 1 second" : inUnit(seconds, "second");
}

function inUnit(amount: number, unit: string): string {
  const form = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: amount < 10 ? 1 : 0 } as const;
  return new Intl.NumberFormat("en", form).format(amount);
}

export function percentWords(share: number): string {
  return new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 }).format(share);
}

export function countWords(count: number, one: string, many: string): string {
  return `${new Intl.NumberFormat("en").format(count)} ${count === 1 ? one : many}`;
}

/** The problems for which a write gets into the log, by the server's names. */
export const kinds: Readonly<Record<string, string>> = {
  "stale-version": "came too late",
  "precondition-failed": "precondition failed",
  deleted: "document was deleted",
  "patch-conflict": "patch did not fit",
  "base-gone": "base is no longer kept",
  "duplicate-entry": "value is taken",
  "state-conflict": "state or rule forbids it",
  locked: "document was locked",
  "lock-lost": "lock was lost",
};

export function kindWords(kind: string): string {
  return kinds[kind] ?? kind.replaceAll("-", " ");
}

export const outcomes = ["open", "resolved", "dismissed"] as const;

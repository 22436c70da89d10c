/** How far back the numbers of the dashboard reach. */
export interface Span {
  readonly name: "hour" | "day" | "week" | "month";
  readonly words: string;
  readonly hours: number;
  /** What one bar of the chart stands for. */
  readonly bar: "hour" | "day";
}

export const spans: readonly Span[] = [
  { name: "hour", words: "last hour", hours: 1, bar: "hour" },
  { name: "day", words: "last day", hours: 24, bar: "hour" },
  { name: "week", words: "last week", hours: 7 * 24, bar: "day" },
  { name: "month", words: "last 30 days", hours: 30 * 24, bar: "day" },
];

const lastDay = spans[1] as Span;

export function spanNamed(name: string | null): Span {
  return spans.find((span) => span.name === name) ?? lastDay;
}

export function beginOf(span: Span, now: Date): Date {
  return new Date(now.getTime() - span.hours * 3_600_000);
}

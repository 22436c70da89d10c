import type { Span } from "./span";

/** What happened within one hour, as the statistics of the server have it. Hours without anything are not among them. */
export interface Hour {
  readonly hour: string;
  readonly conflicts: number;
  readonly merged: number;
}

/** An hour or a day of the chart. */
export interface Bar {
  readonly from: Date;
  readonly refused: number;
  readonly merged: number;
}

/** A bar for every hour or (local) day from `since` until `until`, the empty ones too. */
export function barsOf(hours: readonly Hour[], span: Span, since: Date, until: Date): Bar[] {
  const begin = span.bar === "hour" ? hourOf : dayOf;
  const next = span.bar === "hour" ? hourAfter : dayAfter;
  const bars: Bar[] = [];
  for (let from = begin(since); from < until; from = next(from)) {
    const within = hours.filter(({ hour }) => begin(new Date(hour)).getTime() === from.getTime());
    bars.push({
      from,
      refused: within.reduce((sum, hour) => sum + hour.conflicts, 0),
      merged: within.reduce((sum, hour) => sum + hour.merged, 0),
    });
  }
  return bars;
}

function hourOf(time: Date): Date {
  const hour = new Date(time);
  hour.setMinutes(0, 0, 0);
  return hour;
}

function dayOf(time: Date): Date {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate());
}

function hourAfter(hour: Date): Date {
  return new Date(hour.getTime() + 3_600_000);
}

/** Not 24 hours later: a day of a change to summer time has 23. */
function dayAfter(day: Date): Date {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1);
}

/** The top of the axis: the smallest of 1, 2, 5, 10, 20, 50 … that is not below `highest`. */
export function topOf(highest: number): number {
  for (let power = 1; ; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power >= highest) return step * power;
  }
}

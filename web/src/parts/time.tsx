import { signal } from "@preact/signals";

const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 30_000);

const words = new Intl.RelativeTimeFormat(navigator.language, { numeric: "auto" });
const full = new Intl.DateTimeFormat(navigator.language, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(navigator.language, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(navigator.language, { dateStyle: "medium" });

const units = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;

/** A time in words: "3 minutes ago"; what it is exactly is in its tooltip. */
export function Time({ at }: { readonly at: string | null | undefined }) {
  const ms = at ? Date.parse(at) : NaN;
  if (!at || Number.isNaN(ms)) return <span class="muted">unknown</span>;
  return (
    <time dateTime={at} title={full.format(ms)}>
      {ago(ms, now.value)}
    </time>
  );
}

function ago(ms: number, nowMs: number): string {
  const seconds = (ms - nowMs) / 1000;
  const unit = units.find(([, size]) => Math.abs(seconds) >= size);
  if (!unit) return "just now";
  if (unit[0] === "day" && Math.abs(seconds) > 30 * unit[1]) return day.format(ms);
  return words.format(Math.round(seconds / unit[1]), unit[0]);
}

/** "10:32", with the day if it is another. */
export function clockTime(ms: number): string {
  const isToday = new Date(ms).toDateString() === new Date().toDateString();
  return isToday ? clock.format(ms) : `${day.format(ms)}, ${clock.format(ms)}`;
}

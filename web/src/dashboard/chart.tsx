import { useEffect, useRef, useState } from "preact/hooks";
import { topOf, type Bar } from "./bars";
import type { Span } from "./span";
import { countWords } from "./words";

const height = 160;
const foot = 20;
const side = 32;

/** Refused and merged edits over time: drawn for eyes, described in words, and as a table for everybody. */
export function Chart({ bars, span }: { bars: readonly Bar[]; span: Span }) {
  const [frame, width] = useWidth();
  return (
    <figure class="chart" ref={frame}>
      <figcaption>
        Edits per {span.bar}
        <span class="chart-key key-refused">refused</span>
        <span class="chart-key key-merged">merged</span>
      </figcaption>
      {width > 0 && <Drawing bars={bars} span={span} width={width} />}
      <details>
        <summary>As a table</summary>
        <Table bars={bars} span={span} />
      </details>
    </figure>
  );
}

function Drawing({ bars, span, width }: { bars: readonly Bar[]; span: Span; width: number }) {
  const top = topOf(Math.max(1, ...bars.map((bar) => Math.max(bar.refused, bar.merged))));
  const step = (width - side) / bars.length;
  const thick = Math.max(1, Math.min(24, step * 0.4));
  const y = (count: number) => height - (count / top) * height;
  return (
    <svg role="img" aria-labelledby="chart-title chart-text" width={width} height={height + foot + 8}>
      <title id="chart-title">Refused and merged edits per {span.bar}</title>
      <desc id="chart-text">{description(bars, span)}</desc>
      <defs>
        <pattern id="hatched" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="3" height="5" class="bar-merged" />
        </pattern>
      </defs>
      <g transform="translate(0 8)">
        {[0, top / 2, top].filter(Number.isInteger).map((count) => (
          <g key={count}>
            <line class="chart-line" x1={side} x2={width} y1={y(count)} y2={y(count)} />
            <text x={side - 6} y={y(count) + 4} text-anchor="end">{count}</text>
          </g>
        ))}
        {bars.map((bar, at) => {
          const middle = side + (at + 0.5) * step;
          return (
            <g key={bar.from.getTime()}>
              <title>{`${timeWords(bar.from, span)}: ${bar.refused} refused, ${bar.merged} merged`}</title>
              <rect x={side + at * step} y="0" width={step} height={height} fill="transparent" />
              <rect class="bar-refused" x={middle - thick} y={y(bar.refused)} width={thick} height={height - y(bar.refused)} />
              <rect class="bar-frame" x={middle} y={y(bar.merged)} width={thick} height={height - y(bar.merged)} fill="url(#hatched)" />
            </g>
          );
        })}
        <text x={side} y={height + foot}>{timeWords(bars[0]?.from, span)}</text>
        <text x={width} y={height + foot} text-anchor="end">{timeWords(bars.at(-1)?.from, span)}</text>
      </g>
    </svg>
  );
}

function Table({ bars, span }: { bars: readonly Bar[]; span: Span }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{span.bar === "hour" ? "Hour" : "Day"}</th>
          <th scope="col" class="number">Refused</th>
          <th scope="col" class="number">Merged</th>
        </tr>
      </thead>
      <tbody>
        {bars.map((bar) => (
          <tr key={bar.from.getTime()}>
            <th scope="row">{timeWords(bar.from, span)}</th>
            <td class="number">{bar.refused}</td>
            <td class="number">{bar.merged}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function description(bars: readonly Bar[], span: Span): string {
  const busiest = bars.reduce<Bar | undefined>((most, bar) => (bar.refused > (most?.refused ?? 0) ? bar : most), undefined);
  if (!busiest) return `Nothing was refused in the ${span.words}.`;
  return `Most were refused in the ${span.bar} of ${timeWords(busiest.from, span)}: ${countWords(busiest.refused, "edit", "edits")}.`;
}

function timeWords(time: Date | undefined, span: Span): string {
  const day = { weekday: "short", day: "numeric", month: "short" } as const;
  const form = span.bar === "hour" ? ({ weekday: "short", hour: "2-digit", minute: "2-digit" } as const) : day;
  return time?.toLocaleString("en-GB", form) ?? "";
}

/** The width of an element in pixels, as long as it is shown; 0 before it is. */
function useWidth() {
  const element = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, width] as const;
}

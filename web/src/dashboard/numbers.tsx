import type { Stats } from "detente-client";
import type { ComponentChildren } from "preact";
import { countWords, durationWords, percentWords } from "./words";

/** The numbers that one wants to know first, each with what it means. */
export function Numbers({ stats }: { readonly stats: Stats }) {
  const { conflicts, merged, shareMerged, open, resolved, dismissed, medianResolutionS } = stats;
  const settled = resolved + dismissed;
  return (
    <dl class="numbers">
      <Figure name="Refused" value={String(conflicts)}>
        {conflicts === 0 ? "no write was refused" : "because of what others had saved"}
      </Figure>
      <Figure name="Merged" value={shareMerged === null || conflicts + merged === 0 ? "–" : percentWords(shareMerged)}>
        {`${countWords(merged, "edit was", "edits were")} joined with another, without a person`}
      </Figure>
      <Figure name="Open" value={String(open)}>
        {open === 0 ? "nobody has to decide anything" : "to be resolved or dismissed"}
      </Figure>
      <Figure name="Median time to settle" value={medianResolutionS === null ? "–" : durationWords(medianResolutionS)}>
        {settled === 0 ? "nothing is settled yet" : `${resolved} resolved, ${dismissed} dismissed`}
      </Figure>
    </dl>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly children: ComponentChildren;
}

function Figure({ name, value, children }: FigureProps) {
  return (
    <div class="card">
      <dt>{name}</dt>
      <dd class="figure">{value}</dd>
      <dd class="muted">{children}</dd>
    </div>
  );
}

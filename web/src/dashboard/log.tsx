import { useId, useState } from "preact/hooks";
import { Failure } from "../parts/failure";
import { say } from "../parts/live-region";
import { query } from "../place";
import { Dismissal } from "./dismissal";
import { FilterForm } from "./filter-form";
import { filtersOf } from "./filters";
import { LogTable } from "./log-table";
import { More } from "./more";
import { useEntries } from "./use-entries";
import { countWords } from "./words";

/** The log of refused writes: filtered by the address of the page, the newest first, page after page. */
export function Log({ onSettled }: { readonly onSettled: () => void }) {
  const filters = filtersOf(query.value);
  const { entries, hasMore, error, isLoading, loadMore, reload } = useEntries(filters);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const heading = useId();
  const settled = (count: number) => {
    say(`${countWords(count, "conflict", "conflicts")} dismissed`);
    setChosen(new Set());
    reload();
    onSettled();
  };
  return (
    <section class="stack log" aria-labelledby={heading}>
      <h2 id={heading}>The log</h2>
      <FilterForm filters={filters} />
      <Dismissal filters={filters} chosen={entries.filter(({ id }) => chosen.has(id))} onDone={settled} />
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {entries.length > 0 && <LogTable entries={entries} chosen={chosen} onChoose={setChosen} />}
      {entries.length === 0 && !isLoading && error === undefined && <p class="muted">{emptyWords(filters)}</p>}
      {hasMore && <More isLoading={isLoading} onMore={loadMore} />}
    </section>
  );
}

function emptyWords(filters: object): string {
  return Object.keys(filters).length > 0 ? "Nothing in the log matches these filters." : "Nothing was refused yet.";
}

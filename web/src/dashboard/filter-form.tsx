import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Button } from "../parts/button";
import { query, setQuery } from "../place";
import { filterNames, localTime, utcTime, withFilters, type Filters } from "./filters";
import { kinds, outcomes } from "./words";

/** What the log is narrowed to. Each change goes into the address, from which the log is read. */
export function FilterForm({ filters }: { readonly filters: Filters }) {
  const isFiltered = filterNames.some((name) => filters[name] !== undefined);
  const set = (name: keyof Filters) => (event: Event) => {
    const { value } = event.currentTarget as HTMLInputElement | HTMLSelectElement;
    const isTime = name === "since" || name === "until";
    setQuery(withFilters(query.value, { ...filters, [name]: isTime ? utcTime(value) : value }));
  };
  return (
    <form class="log-filters" aria-label="Filters of the log" onSubmit={(event) => event.preventDefault()}>
      <Field label="Outcome">
        {(id) => (
          <select id={id} value={filters.outcome ?? ""} onChange={set("outcome")}>
            <option value="">any</option>
            {outcomes.map((outcome) => <option key={outcome}>{outcome}</option>)}
          </select>
        )}
      </Field>
      <Field label="Collection">
        {(id) => <input id={id} value={filters.collection ?? ""} onChange={set("collection")} />}
      </Field>
      <Field label="Document">
        {(id) => <input id={id} value={filters.document ?? ""} onChange={set("document")} />}
      </Field>
      <Field label="Who">
        {(id) => <input id={id} value={filters.by ?? ""} onChange={set("by")} />}
      </Field>
      <Field label="Why">
        {(id) => (
          <select id={id} value={filters.kind ?? ""} onChange={set("kind")}>
            <option value="">any reason</option>
            {Object.entries(kinds).map(([kind, words]) => <option key={kind} value={kind}>{words}</option>)}
          </select>
        )}
      </Field>
      <Field label="Since" className="wide">
        {(id) => <input id={id} type="datetime-local" value={localTime(filters.since)} onChange={set("since")} />}
      </Field>
      <Field label="Until" className="wide">
        {(id) => <input id={id} type="datetime-local" value={localTime(filters.until)} onChange={set("until")} />}
      </Field>
      {isFiltered && <Button onClick={() => setQuery(withFilters(query.value, {}))}>Clear the filters</Button>}
    </form>
  );
}

interface FieldProps {
  readonly label: string;
  readonly className?: string;
  readonly children: (id: string) => ComponentChildren;
}

function Field({ label, className = "", children }: FieldProps) {
  const id = useId();
  return (
    <div class={`field ${className}`}>
      <label for={id}>{label}</label>
      {children(id)}
    </div>
  );
}

import { useId, useState } from "preact/hooks";
import { Button } from "../parts/button";
import { placeOf, type Column } from "./columns";
import { filterInWords, operators } from "./question";

interface FilterBarProps {
  readonly columns: readonly Column[];
  readonly filters: Readonly<Record<string, string>>;
  readonly onFilters: (filters: Readonly<Record<string, string>>) => void;
}

/** The conditions that rows must meet, and a form for another. */
export function FilterBar({ columns, filters, onFilters }: FilterBarProps) {
  const [operator, setOperator] = useState("");
  const id = useId();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    const member = String(data.get("member") ?? "").trim();
    if (!member) return;
    const value = operator === ".exists" ? String(data.get("exists")) : String(data.get("value") ?? "");
    onFilters({ ...filters, [placeOf(member) + operator]: value });
    form.reset();
    setOperator("");
  };
  const without = (name: string) => onFilters(Object.fromEntries(Object.entries(filters).filter(([other]) => other !== name)));
  return (
    <div class="filter-bar">
      <form class="filter-form" onSubmit={submit} aria-label="Filter">
        <div class="field">
          <label for={`${id}m`}>Member</label>
          <input id={`${id}m`} name="member" list={`${id}l`} required autocomplete="off" placeholder="name or /path" />
          <datalist id={`${id}l`}>
            {[...columns.map(({ name }) => name), "_id", "_version", "_updated_at"].map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </div>
        <div class="field">
          <label for={`${id}o`}>Condition</label>
          <select id={`${id}o`} value={operator} onChange={(event) => setOperator(event.currentTarget.value)}>
            {operators.map(([ending, words]) => (
              <option key={ending} value={ending}>
                {words}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for={`${id}v`}>{operator === ".in" ? "Values, with commas" : "Value"}</label>
          {operator === ".exists" ? (
            <select id={`${id}v`} name="exists">
              <option value="true">yes</option>
              <option value="false">no</option>
            </select>
          ) : (
            <input id={`${id}v`} name="value" autocomplete="off" />
          )}
        </div>
        <Button type="submit">Filter</Button>
      </form>
      {Object.keys(filters).length > 0 && (
        <ul class="chips" aria-label="Filters in force">
          {Object.entries(filters).map(([name, value]) => (
            <li key={name}>
              <button type="button" class="chip" onClick={() => without(name)}>
                <bdi>{filterInWords(name, value)}</bdi> <span aria-hidden="true">×</span>
                <span class="unseen">, remove this filter</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

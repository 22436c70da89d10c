import { namesOf } from "../../parts/pointer";
import { brief } from "../../parts/value-view";
import type { ControlProps } from "./field";
import { useForm } from "./in-form";

/** One of a few values: those of the schema, or yes and no. */
export function ChoiceControl({ path, value, schema, id, describedBy, invalid }: ControlProps) {
  const { state } = useForm();
  if (!schema?.enum) {
    return (
      <span class="check">
        <input
          id={id}
          type="checkbox"
          checked={value === true}
          aria-describedby={describedBy}
          onChange={(event) => state.set(namesOf(path), event.currentTarget.checked)}
        />
        <span aria-hidden="true">{value === true ? "yes" : "no"}</span>
      </span>
    );
  }
  const choices = schema.enum.map((choice) => JSON.stringify(choice));
  const current = JSON.stringify(value);
  return (
    <select
      id={id}
      value={current}
      aria-describedby={describedBy}
      aria-invalid={invalid}
      onChange={(event) => state.set(namesOf(path), JSON.parse(event.currentTarget.value))}
    >
      {!choices.includes(current) && <option value={current}>{brief(value)} (not one of these)</option>}
      {schema.enum.map((choice) => (
        <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>
          {choice === null ? "nothing" : brief(choice)}
        </option>
      ))}
    </select>
  );
}

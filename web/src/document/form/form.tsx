import { createContext } from "preact";
import type { Schema } from "../../session/schema";
import type { FormState } from "./form-state";
import { Members } from "./members";

export interface FormContext {
  readonly state: FormState;
  /** Opens the whole document as text. */
  readonly onRaw: () => void;
}
export const InForm = createContext<FormContext | undefined>(undefined);

interface FormProps extends FormContext {
  readonly schema: Schema | undefined;
  readonly disabled?: boolean;
}

/** A document as a form: of its schema, and of what it holds. */
export function Form({ state, schema, disabled = false, onRaw }: FormProps) {
  return (
    <InForm.Provider value={{ state, onRaw }}>
      <fieldset class="form" disabled={disabled}>
        <legend class="unseen">The document</legend>
        <Members path="" value={state.value.value} schema={schema} />
      </fieldset>
    </InForm.Provider>
  );
}

import { useContext } from "preact/hooks";
import { InForm, type FormContext } from "./form";

export function useForm(): FormContext {
  const context = useContext(InForm);
  if (!context) throw new Error("a field stands in a form");
  return context;
}

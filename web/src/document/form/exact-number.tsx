import { Button } from "../../parts/button";
import type { ControlProps } from "./field";
import { useForm } from "./in-form";

/** A number that JavaScript would round. It is shown with all its digits, and is not touched here. */
export function ExactNumber({ id, digits }: ControlProps & { readonly digits: string }) {
  const { onRaw } = useForm();
  return (
    <div class="exact">
      <output id={id} class="value json" aria-describedby={`${id}x`}>
        {digits}
      </output>
      <p class="hint" id={`${id}x`}>
        A browser would round this number, so it is not changed here.
      </p>
      <Button kind="quiet" onClick={onRaw}>
        Edit as text
      </Button>
    </div>
  );
}

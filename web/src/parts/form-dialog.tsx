import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { wordsOf } from "./failure";

interface FormDialogProps {
  readonly title: string;
  /** What the button does that goes on. */
  readonly submit: string;
  readonly cancel?: string;
  readonly isDanger?: boolean;
  /** Closes the dialog itself when it has gone well; what goes wrong is told. */
  readonly onSubmit: (text: (name: string) => string) => void | Promise<void>;
  readonly onClose: () => void;
  /** Other buttons. */
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A question, with fields or without. */
export function FormDialog({ title, submit, cancel = "Cancel", isDanger = false, onSubmit, onClose, actions, children }: FormDialogProps) {
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const go = async (event: SubmitEvent) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    try {
      await onSubmit((name) => String(data.get(name) ?? "").trim());
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={(event) => void go(event)}>
        {children}
        {error !== undefined && (
          <p class="notice bad" role="alert">
            <bdi>{wordsOf(error).detail}</bdi>
          </p>
        )}
        <div class="actions end">
          {actions}
          <Button onClick={onClose}>{cancel}</Button>
          <Button kind={isDanger ? "danger" : "main"} type="submit" busy={isBusy} disabled={isBusy}>
            {submit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

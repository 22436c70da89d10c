import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { FormDialog } from "../parts/form-dialog";
import { TextField } from "../parts/text-field";
import { go, space } from "../place";

/** The space that is shown. The server lists no spaces: one goes to it by name. */
export function SpaceChoice() {
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  const submit = (text: (name: string) => string) => {
    const name = text("space");
    close();
    go({ at: "home" }, name !== "" && name !== "default" ? name : null);
  };
  return (
    <>
      <Button kind="quiet" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <span class="muted">Space</span> <bdi class="name">{space.value ?? "default"}</bdi>
      </Button>
      {isOpen && (
        <FormDialog title="Go to a space" submit="Go" onSubmit={submit} onClose={close}>
          <TextField
            label="Name of the space"
            name="space"
            value={space.value ?? ""}
            placeholder="default"
            pattern="[A-Za-z0-9][A-Za-z0-9_\-]{0,62}"
            hint="Letters, digits, - and _. Each space has its own documents."
          />
        </FormDialog>
      )}
    </>
  );
}

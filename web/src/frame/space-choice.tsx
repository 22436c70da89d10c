import { useId, useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { go, space } from "../place";

/** The space that is shown. The server lists no spaces: one goes to it by name. */
export function SpaceChoice() {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const close = () => setOpen(false);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget as HTMLFormElement).get("space");
    close();
    go({ at: "home" }, typeof name === "string" && name !== "" && name !== "default" ? name : null);
  };
  return (
    <>
      <Button kind="quiet" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <span class="muted">Space</span> <bdi class="name">{space.value ?? "default"}</bdi>
      </Button>
      {isOpen && (
        <Dialog title="Go to a space" onClose={close}>
          <form class="stack" onSubmit={submit}>
            <div class="field">
              <label for={id}>Name of the space</label>
              <input id={id} name="space" value={space.value ?? ""} placeholder="default" pattern="[A-Za-z0-9][A-Za-z0-9_\-]{0,62}" />
              <p class="hint">Letters, digits, - and _. Each space has its own documents.</p>
            </div>
            <div class="actions end">
              <Button onClick={close}>Cancel</Button>
              <Button kind="main" type="submit">
                Go
              </Button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}

import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { FormDialog } from "../parts/form-dialog";
import { inWords } from "../parts/pointer";
import { connection } from "../session/connection";
import type { Desk } from "./desk";

/** Whether there is something to save, where it is kept until then, and the button. */
export function SaveBar({ desk }: { readonly desk: Desk }) {
  const [isAsking, setAsking] = useState(false);
  const { edit, saving } = desk;
  const status = saving.status.value;
  const isTouched = edit.isTouched.value;
  const cannot = desk.isWaiting.value || edit.isDeleted.value;
  const discard = () => {
    setAsking(false);
    saving.cancel();
    saving.outcome.value = undefined;
    void edit.discard();
  };
  return (
    <div class="save-bar" role="group" aria-label="Save">
      <p class="save-state">
        <State desk={desk} />
      </p>
      <div class="actions">
        {isTouched && (
          <Button kind="quiet" disabled={status === "saving" || cannot} onClick={() => setAsking(true)}>
            Discard
          </Button>
        )}
        {(status === "waiting" || status === "paused") && <Button onClick={() => saving.cancel()}>Do not save yet</Button>}
        <Button kind="main" busy={status !== "idle"} disabled={cannot || status === "saving"} title="Ctrl+S" onClick={() => void desk.save()}>
          {status === "saving" ? "Saving …" : "Save"}
        </Button>
      </div>
      {isAsking && (
        <FormDialog
          title="Discard your changes?"
          submit="Discard"
          cancel="Keep them"
          isDanger
          onSubmit={discard}
          onClose={() => setAsking(false)}
        >
          <p>
            What you changed since version {edit.base.value.version} is taken away: <bdi>{changed(edit.form.marks.value.yours)}</bdi>.
          </p>
        </FormDialog>
      )}
    </div>
  );
}

function State({ desk }: { readonly desk: Desk }) {
  const { edit, saving } = desk;
  const isOffline = connection.value === "offline";
  const kept = edit.isKept.value ? "It is kept in this browser." : "It is too large to be kept in this browser: do not close this page.";
  if (saving.status.value !== "idle" && isOffline) {
    return <strong>The server is out of reach. Saving goes on by itself as soon as it is back. {kept}</strong>;
  }
  if (saving.status.value === "saving") return <>Saving …</>;
  if (saving.status.value === "paused") return <strong>The server has too much to do. Saving goes on by itself soon. {kept}</strong>;
  if (saving.status.value === "waiting") return <strong>No answer came. Trying again … {kept}</strong>;
  if (!edit.isTouched.value) return <span class="muted">No changes</span>;
  const { yours } = edit.form.marks.value;
  return (
    <>
      Not saved yet{yours.length > 0 && ": "}
      <bdi>{changed(yours)}</bdi>. <span class={edit.isKept.value ? "muted" : "wrong"}>{kept}</span>
    </>
  );
}

function changed(paths: readonly string[]): string {
  const shown = paths.slice(0, 3).map(inWords).join(", ");
  return paths.length > 3 ? `${shown} and ${paths.length - 3} more` : shown;
}

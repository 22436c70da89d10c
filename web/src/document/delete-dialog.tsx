import { useState } from "preact/hooks";
import { ConflictError } from "detente-client";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { wordsOf } from "../parts/failure";
import { say } from "../parts/live-region";
import { go } from "../place";
import { client } from "../session/session";
import type { Edit } from "./edit";
import { forgetDraft } from "./kept-draft";

interface DeleteDialogProps {
  readonly edit: Edit;
  readonly lockToken: string | undefined;
  readonly onClose: () => void;
}

export function DeleteDialog({ edit, lockToken, onClose }: DeleteDialogProps) {
  const [error, setError] = useState<unknown>();
  const [isDeleting, setDeleting] = useState(false);
  const { collection, id } = edit.of;
  const newest = edit.head.value?.doc ?? edit.base.value;
  const remove = async () => {
    setDeleting(true);
    try {
      await client().collection(collection).delete(id, { ifMatch: newest.etag, lock: lockToken });
      forgetDraft(edit.of);
      say(`${id} was deleted`);
      go({ at: "collection", collection });
    } catch (failed) {
      setError(failed);
      setDeleting(false);
    }
  };
  return (
    <Dialog title={`Delete ${id}?`} onClose={onClose}>
      <p>
        Version {newest.version} is deleted from <bdi>{collection}</bdi>. Its history stays, as far as the collection keeps it: it can be
        brought back.
      </p>
      {edit.isTouched.value && <p class="notice warn">What you changed here and did not save goes with it.</p>}
      {error !== undefined && (
        <p class="notice bad" role="alert">
          <bdi>
            {error instanceof ConflictError ? "Somebody saved in this moment, so nothing was deleted. Look at it first." : wordsOf(error).detail}
          </bdi>
        </p>
      )}
      <div class="actions end">
        <Button onClick={onClose}>Keep it</Button>
        <Button kind="danger" busy={isDeleting} disabled={isDeleting} onClick={() => void remove()}>
          Delete
        </Button>
      </div>
    </Dialog>
  );
}

import { ConflictError } from "detente-client";
import { FormDialog } from "../parts/form-dialog";
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
  const { collection, id } = edit.of;
  const newest = edit.head.value?.doc ?? edit.base.value;
  const remove = async () => {
    try {
      await client().collection(collection).delete(id, { ifMatch: newest.etag, lock: lockToken });
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      throw new Error("Somebody saved in this moment, so nothing was deleted. Look at it first.", { cause: error });
    }
    forgetDraft(edit.of);
    say(`${id} was deleted`);
    go({ at: "collection", collection });
  };
  return (
    <FormDialog title={`Delete ${id}?`} submit="Delete" cancel="Keep it" isDanger onSubmit={remove} onClose={onClose}>
      <p>
        Version {newest.version} is deleted from <bdi>{collection}</bdi>. Its history stays, as far as the collection keeps it: it can be
        brought back.
      </p>
      {edit.isTouched.value && <p class="notice warn">What you changed here and did not save goes with it.</p>}
    </FormDialog>
  );
}

import { useState } from "preact/hooks";
import type { Row } from "detente-client";
import { Button } from "../parts/button";
import { FormDialog } from "../parts/form-dialog";
import { say } from "../parts/live-region";
import { client } from "../session/session";
import { rememberSave } from "../session/tab";
import type { Edit } from "./edit";
import { putText } from "./put-text";

interface RestoreButtonProps {
  readonly edit: Edit;
  readonly row: Row;
  readonly lockToken: string | undefined;
  readonly onRestored: () => void;
}

/** Brings an old version back as the newest one. Nothing of the history goes away. */
export function RestoreButton({ edit, row, lockToken, onRestored }: RestoreButtonProps) {
  const [isAsking, setAsking] = useState(false);
  const restore = async () => {
    if (!row.doc) return;
    const ifMatch = edit.head.peek()?.doc?.etag;
    const draft = await client().collection<unknown>(edit.of.collection).edit(row.doc);
    rememberSave(await putText(edit.of, draft.record().base.text, { ...(ifMatch && { ifMatch }), lock: lockToken }));
    say(`Version ${row.version} was restored`);
    onRestored();
  };
  return (
    <>
      <Button kind="quiet" aria-haspopup="dialog" onClick={() => setAsking(true)}>
        Restore
      </Button>
      {isAsking && (
        <FormDialog title={`Restore version ${row.version}?`} submit="Restore" onSubmit={restore} onClose={() => setAsking(false)}>
          <p>It is saved again, as a new version. All versions stay in the history.</p>
        </FormDialog>
      )}
    </>
  );
}

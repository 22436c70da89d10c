import { useState } from "preact/hooks";
import type { Row } from "detente-client";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { wordsOf } from "../parts/failure";
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
  const [error, setError] = useState<unknown>();
  const restore = async () => {
    if (!row.doc) return;
    try {
      const head = edit.head.peek();
      const draft = await client().collection<unknown>(edit.of.collection).edit(row.doc);
      const ifMatch = head?.doc?.etag;
      rememberSave(await putText(edit.of, draft.record().base.text, { ...(ifMatch && { ifMatch }), lock: lockToken }));
      say(`Version ${row.version} was restored`);
      onRestored();
    } catch (failed) {
      setError(failed);
    }
  };
  return (
    <>
      <Button kind="quiet" aria-haspopup="dialog" onClick={() => setAsking(true)}>
        Restore
      </Button>
      {isAsking && (
        <Dialog title={`Restore version ${row.version}?`} onClose={() => setAsking(false)}>
          <p>It is saved again, as a new version. All versions stay in the history.</p>
          {error !== undefined && (
            <p class="notice bad" role="alert">
              <bdi>{wordsOf(error).detail}</bdi>
            </p>
          )}
          <div class="actions end">
            <Button onClick={() => setAsking(false)}>Cancel</Button>
            <Button kind="main" onClick={() => void restore()}>
              Restore
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

import { useEffect, useState } from "preact/hooks";
import { Button } from "../parts/button";
import { wordsOf } from "../parts/failure";
import { say } from "../parts/live-region";
import { Time } from "../parts/time";
import { author, capital } from "../session/author";
import { rememberSave } from "../session/tab";
import type { Desk } from "./desk";
import { jsonText } from "./json-text";
import { putText } from "./put-text";

/** Somebody deleted the document while it was open here. */
export function DeletedMeanwhile({ desk }: { readonly desk: Desk }) {
  const [error, setError] = useState<unknown>();
  const { edit, of } = desk;
  const head = edit.head.value;
  const sentence = head ? `${capital(author(head))} deleted this document in version ${head.version}.` : "";
  useEffect(() => {
    if (sentence) say(`${sentence} Your text is safe.`);
  }, [sentence]);
  const create = async () => {
    edit.keep();
    try {
      const text = edit.raw.peek() ?? jsonText(edit.draft.value, edit.form.digits.peek());
      rememberSave(await putText(of, text, { lock: desk.lock.token }));
      const doc = await desk.reread();
      if (doc) desk.saving.outcome.value = { kind: "saved", version: doc.version };
    } catch (failed) {
      setError(failed);
    }
  };
  return (
    <div class="notice bad" role="group" aria-label="The document was deleted">
      <p>
        <strong>
          <bdi>{sentence}</bdi>
        </strong>{" "}
        <Time at={head?.updatedAt} />. {edit.isTouched.value ? "Your text is safe here." : "Here is what it held."}
      </p>
      {error !== undefined && (
        <p class="wrong">
          <bdi>{wordsOf(error).detail}</bdi>
        </p>
      )}
      <div class="actions">
        <Button kind="main" onClick={() => void create()}>
          Create it again with {edit.isTouched.value ? "my text" : "this"}
        </Button>
      </div>
    </div>
  );
}

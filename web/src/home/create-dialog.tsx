import { useId } from "preact/hooks";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { useFocus } from "../parts/focus";
import { randomId } from "../parts/random-id";
import { href, visit } from "../place";

interface CreateDialogProps {
  readonly collections: readonly string[];
  /** The collection, where there is no choice. */
  readonly collection?: string;
  readonly onClose: () => void;
}

/** Asks where a new document shall be; what is in it is written in the editor. */
export function CreateDialog({ collections, collection, onClose }: CreateDialogProps) {
  const id = useId();
  const first = useFocus<HTMLInputElement>();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(data.get(name) ?? "").trim();
    const place = { at: "document", collection: collection ?? text("collection"), id: text("id") || randomId() } as const;
    onClose();
    visit(`${href(place)}?new`);
  };
  return (
    <Dialog title="New document" onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {collection === undefined && (
          <div class="field">
            <label for={`${id}c`}>Collection</label>
            <input
              id={`${id}c`}
              ref={first}
              name="collection"
              list={`${id}l`}
              required
              pattern="[A-Za-z0-9][A-Za-z0-9_\-]{0,62}"
              title="Letters, digits, - and _"
              autocomplete="off"
            />
            <datalist id={`${id}l`}>
              {collections.map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
            <p class="hint">One that is there, or a new one.</p>
          </div>
        )}
        <div class="field">
          <label for={`${id}i`}>Id</label>
          <input
            id={`${id}i`}
            ref={collection === undefined ? null : first}
            name="id"
            maxLength={255}
            pattern="(?!_)[^\/]+"
            title="Without /, and not beginning with _"
            autocomplete="off"
          />
          <p class="hint">How the document is called in its URL. If you leave this empty, it gets one.</p>
        </div>
        <div class="actions end">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="main" type="submit">
            Write it
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

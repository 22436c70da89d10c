import { FormDialog } from "../parts/form-dialog";
import { useFocus } from "../parts/focus";
import { randomId } from "../parts/random-id";
import { TextField } from "../parts/text-field";
import { href, visit } from "../place";

interface CreateDialogProps {
  readonly collections: readonly string[];
  /** The collection, where there is no choice. */
  readonly collection?: string;
  readonly onClose: () => void;
}

/** Asks where a new document shall be; what is in it is written in the editor. */
export function CreateDialog({ collections, collection, onClose }: CreateDialogProps) {
  const first = useFocus<HTMLInputElement>();
  const submit = (text: (name: string) => string) => {
    const place = { at: "document", collection: collection ?? text("collection"), id: text("id") || randomId() } as const;
    onClose();
    visit(`${href(place)}?new`);
  };
  return (
    <FormDialog title="New document" submit="Write it" onSubmit={submit} onClose={onClose}>
      {collection === undefined && (
        <TextField
          label="Collection"
          name="collection"
          fieldRef={first}
          choices={collections}
          required
          pattern="[A-Za-z0-9][A-Za-z0-9_\-]{0,62}"
          title="Letters, digits, - and _"
          hint="One that is there, or a new one."
        />
      )}
      <TextField
        label="Id"
        name="id"
        fieldRef={collection === undefined ? undefined : first}
        maxLength={255}
        pattern="(?!_)[^\/]+"
        title="Without /, and not beginning with _"
        hint="How the document is called in its URL. If you leave this empty, it gets one."
      />
    </FormDialog>
  );
}

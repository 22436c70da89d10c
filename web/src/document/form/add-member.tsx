import { useId, useState } from "preact/hooks";
import { Button } from "../../parts/button";
import { useFocus } from "../../parts/focus";
import { namesOf } from "../../parts/pointer";
import { TextField } from "../../parts/text-field";
import { asKind, kinds, type Kind } from "./kind";
import { useForm } from "./in-form";

interface AddMemberProps {
  readonly path: string;
  readonly taken: Record<string, unknown>;
}

export function AddMember(props: AddMemberProps) {
  const [isOpen, setOpen] = useState(false);
  if (!isOpen) {
    return (
      <div>
        <Button kind="quiet" onClick={() => setOpen(true)}>
          + Add a member
        </Button>
      </div>
    );
  }
  return <NewMember {...props} onClose={() => setOpen(false)} />;
}

function NewMember({ path, taken, onClose }: AddMemberProps & { readonly onClose: () => void }) {
  const { state } = useForm();
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Kind>("text");
  const id = useId();
  const input = useFocus<HTMLInputElement>();
  const isTaken = Object.hasOwn(taken, name);
  const add = () => {
    if (isTaken) return;
    state.set([...namesOf(path), name], asKind(undefined, kind));
    onClose();
  };
  // Not a form: forms do not stand in forms, and Enter shall only add.
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") add();
    if (event.key === "Escape") onClose();
  };
  return (
    <div class="add-member" role="group" aria-label="A new member" onKeyDown={onKeyDown}>
      <TextField
        label="Name of the new member"
        value={name}
        fieldRef={input}
        wrong={isTaken && "There is one of this name."}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <div class="field">
        <label for={`${id}k`}>What it holds</label>
        <KindSelect id={`${id}k`} kind={kind} onKind={setKind} />
      </div>
      <div class="actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="main" disabled={isTaken} onClick={add}>
          Add
        </Button>
      </div>
    </div>
  );
}

interface KindSelectProps {
  readonly id: string;
  readonly kind: Kind;
  readonly onKind: (kind: Kind) => void;
}

export function KindSelect({ id, kind, onKind }: KindSelectProps) {
  return (
    <select id={id} value={kind} onChange={(event) => onKind(event.currentTarget.value as Kind)}>
      {kinds.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}

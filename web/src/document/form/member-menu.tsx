import { useId, useState } from "preact/hooks";
import { Button } from "../../parts/button";
import { FormDialog } from "../../parts/form-dialog";
import { say } from "../../parts/live-region";
import { isObject, namesOf, valueAt } from "../../parts/pointer";
import { TextField } from "../../parts/text-field";
import type { Schema } from "../../session/schema";
import { KindSelect } from "./add-member";
import { useForm } from "./in-form";
import { asKind, kindOf } from "./kind";

interface MemberMenuProps {
  readonly path: string;
  readonly value: unknown;
  readonly schema: Schema | undefined;
  readonly required: boolean;
}

/** What can be done with a member beside changing its value. */
export function MemberMenu(props: MemberMenuProps) {
  const [isOpen, setOpen] = useState(false);
  const name = namesOf(props.path).at(-1) ?? "";
  return (
    <>
      <button
        type="button"
        class="button quiet member-menu"
        aria-haspopup="dialog"
        aria-label={`Change the member ${name}`}
        title="Rename, remove, change what it holds"
        onClick={() => setOpen(true)}
      >
        ⋯
      </button>
      {isOpen && <MemberDialog {...props} name={name} onClose={() => setOpen(false)} />}
    </>
  );
}

function MemberDialog({ path, value, schema, required, name, onClose }: MemberMenuProps & { name: string; onClose: () => void }) {
  const { state } = useForm();
  const [next, setNext] = useState(name);
  const [kind, setKind] = useState(kindOf(value));
  const id = useId();
  const names = namesOf(path);
  const parentNames = names.slice(0, -1);
  const parent = valueAt(state.value.peek(), parentNames);
  const isTaken = next !== name && isObject(parent) && Object.hasOwn(parent, next);
  const remove = () => {
    state.finish(path, undefined);
    state.set(names, undefined);
    say(`${name} was removed from the draft`);
    onClose();
  };
  const submit = () => {
    if (isTaken) throw new Error("There is one of this name.");
    state.finish(path, undefined);
    if (kind !== kindOf(value)) state.set(names, asKind(value, kind));
    if (next !== name) state.set(parentNames, renamed(valueAt(state.value.peek(), parentNames), name, next));
    onClose();
  };
  return (
    <FormDialog
      title={`The member ${name}`}
      submit="Change"
      onSubmit={submit}
      onClose={onClose}
      actions={
        <Button kind="danger" onClick={remove}>
          Remove{required ? " all the same" : ""}
        </Button>
      }
    >
      {schema ? (
        <p class="hint">The schema of the collection names this member.</p>
      ) : (
        <TextField
          label="Name"
          value={next}
          wrong={isTaken && "There is one of this name."}
          onInput={(event) => setNext(event.currentTarget.value)}
        />
      )}
      {!schema?.enum && (
        <div class="field">
          <label for={id}>What it holds</label>
          <KindSelect id={id} kind={kind} onKind={setKind} />
        </div>
      )}
    </FormDialog>
  );
}

/** The object with another name for a member, which stays where it was. */
function renamed(object: unknown, from: string, to: string): unknown {
  if (!isObject(object)) return object;
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name === from ? to : name, value]));
}

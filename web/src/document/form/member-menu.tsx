import { useId, useState } from "preact/hooks";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { say } from "../../parts/live-region";
import { isObject, namesOf, valueAt } from "../../parts/pointer";
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
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (isTaken) return;
    state.finish(path, undefined);
    if (kind !== kindOf(value)) state.set(names, asKind(value, kind));
    if (next !== name) state.set(parentNames, renamed(valueAt(state.value.peek(), parentNames), name, next));
    onClose();
  };
  return (
    <Dialog title={`The member ${name}`} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {schema ? (
          <p class="hint">The schema of the collection names this member.</p>
        ) : (
          <div class="field">
            <label for={`${id}n`}>Name</label>
            <input id={`${id}n`} value={next} aria-invalid={isTaken} onInput={(event) => setNext(event.currentTarget.value)} />
            {isTaken && <p class="wrong">There is one of this name.</p>}
          </div>
        )}
        {!schema?.enum && (
          <div class="field">
            <label for={`${id}k`}>What it holds</label>
            <KindSelect id={`${id}k`} kind={kind} onKind={setKind} />
          </div>
        )}
        <div class="actions end">
          <Button kind="danger" onClick={remove}>
            Remove{required ? " all the same" : ""}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="main" type="submit">
            Change
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The object with another name for a member, which stays where it was. */
function renamed(object: unknown, from: string, to: string): unknown {
  if (!isObject(object)) return object;
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name === from ? to : name, value]));
}

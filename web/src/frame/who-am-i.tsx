import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { FormDialog } from "../parts/form-dialog";
import { TextField } from "../parts/text-field";
import { actor, askToken, hasToken, me, setActor, setToken } from "../session/session";

/** Who acts. With a token the server knows; without, somebody says so. */
export function WhoAmI() {
  const [isOpen, setOpen] = useState(false);
  const name = hasToken.value ? (me.value ?? "By token") : (actor.value ?? "Say who you are");
  return (
    <>
      <Button kind="quiet" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <span class="unseen">You are: </span>
        <bdi class="name">{name}</bdi>
      </Button>
      {isOpen && (hasToken.value ? <TokenInUse onClose={() => setOpen(false)} /> : <NameDialog onClose={() => setOpen(false)} />)}
    </>
  );
}

interface Closing {
  readonly onClose: () => void;
}

function NameDialog({ onClose }: Closing) {
  const submit = (text: (name: string) => string) => {
    setActor(text("name"));
    onClose();
  };
  return (
    <FormDialog title="Who are you?" submit="Use this name" onSubmit={submit} onClose={onClose}>
      <TextField
        label="Name"
        name="name"
        maxLength={60}
        value={actor.value ?? ""}
        autocomplete="nickname"
        hint="Others see it beside what you save. This server believes whatever you say."
      />
    </FormDialog>
  );
}

function TokenInUse({ onClose }: Closing) {
  const change = () => {
    onClose();
    void askToken();
  };
  const forget = () => {
    setToken(undefined);
    location.reload();
  };
  return (
    <Dialog title="You use a token" onClose={onClose}>
      <p>
        The server knows you by it{me.value === undefined ? "" : ` as ${me.value}`}. It is kept until you close this tab.
      </p>
      <div class="actions end">
        <Button onClick={forget}>Forget it</Button>
        <Button onClick={change}>Use another</Button>
      </div>
    </Dialog>
  );
}

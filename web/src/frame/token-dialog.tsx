import { useId } from "preact/hooks";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { tokenQuestion } from "../session/session";

export function TokenDialog() {
  const question = tokenQuestion.value;
  const id = useId();
  if (!question) return null;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const secret = new FormData(event.currentTarget as HTMLFormElement).get("token");
    if (typeof secret === "string" && secret.trim()) question.answer(secret.trim());
  };
  return (
    <Dialog title="This server asks for a token" onClose={() => question.answer(undefined)}>
      <form class="stack" onSubmit={submit}>
        {question.refused && (
          <p class="notice bad" role="alert">
            The server does not know this token.
          </p>
        )}
        <div class="field">
          <label for={id}>Token</label>
          <input id={id} name="token" type="password" autocomplete="current-password" required aria-invalid={question.refused} />
          <p class="hint">It is kept until you close this tab.</p>
        </div>
        <div class="actions end">
          <Button onClick={() => question.answer(undefined)}>Cancel</Button>
          <Button kind="main" type="submit">
            Continue
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

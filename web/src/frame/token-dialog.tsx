import { FormDialog } from "../parts/form-dialog";
import { TextField } from "../parts/text-field";
import { tokenQuestion } from "../session/session";

export function TokenDialog() {
  const question = tokenQuestion.value;
  if (!question) return null;
  return (
    <FormDialog
      title="This server asks for a token"
      submit="Continue"
      onSubmit={(text) => question.answer(text("token"))}
      onClose={() => question.answer(undefined)}
    >
      {question.wrong !== undefined && (
        <p class="notice bad" role="alert">
          {question.wrong.includes("expired") ? "Your token has expired. What you wrote is kept." : "The server does not take this token."}
          <br />
          <bdi class="muted">{question.wrong}</bdi>
        </p>
      )}
      <TextField
        label="Token"
        name="token"
        type="password"
        autocomplete="current-password"
        required
        hint="It is kept until you close this tab."
      />
    </FormDialog>
  );
}

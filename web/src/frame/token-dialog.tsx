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
      {question.refused && (
        <p class="notice bad" role="alert">
          The server does not know this token.
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

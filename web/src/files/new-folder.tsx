import { ProblemError } from "detente-client";
import { useFocus } from "../parts/focus";
import { FormDialog } from "../parts/form-dialog";
import { say } from "../parts/live-region";
import { TextField } from "../parts/text-field";
import { request } from "../session/api";
import { folderUrl, within } from "./entry";

interface NewFolderProps {
  readonly path: string;
  readonly onMade: () => void;
  readonly onClose: () => void;
}

export function NewFolder({ path, onMade, onClose }: NewFolderProps) {
  const field = useFocus<HTMLInputElement>();
  const make = async (text: (name: string) => string) => {
    const name = text("name");
    try {
      await request(folderUrl(within(path, name)), { method: "PUT", headers: { "If-None-Match": "*" } });
    } catch (error) {
      const isThere = error instanceof ProblemError && [409, 412].includes(error.problem.status);
      throw isThere ? new Error(`“${name}” is there already.`, { cause: error }) : error;
    }
    say(`The folder ${name} was made`);
    onMade();
    onClose();
  };
  return (
    <FormDialog title="New folder" submit="Make it" onSubmit={make} onClose={onClose}>
      <TextField label="Name" name="name" fieldRef={field} required maxLength={255} pattern="(?!\.\.?$)[^\/]+" title="Without /, and not . or .." />
    </FormDialog>
  );
}

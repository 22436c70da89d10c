import { useRef } from "preact/hooks";
import { Button } from "../parts/button";

interface FilePickerProps {
  readonly label: string;
  readonly kind?: "main";
  readonly multiple?: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}

/** A button that asks for files of this computer. */
export function FilePicker({ label, kind, multiple = false, onFiles }: FilePickerProps) {
  const input = useRef<HTMLInputElement>(null);
  const take = (event: { readonly currentTarget: HTMLInputElement }) => {
    onFiles([...(event.currentTarget.files ?? [])]);
    // Or the same file could not be chosen again.
    event.currentTarget.value = "";
  };
  return (
    <>
      <input ref={input} type="file" multiple={multiple} hidden onChange={take} />
      <Button {...(kind && { kind })} onClick={() => input.current?.click()}>
        {label}
      </Button>
    </>
  );
}

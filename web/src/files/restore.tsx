import { useState } from "preact/hooks";
import type { HeldLock } from "../document/held-lock";
import { Button } from "../parts/button";
import { FormDialog } from "../parts/form-dialog";
import { contentOf } from "./content";
import type { Entry } from "./entry";
import { enqueue } from "./queue";
import { Upload } from "./upload";

interface RestoreProps {
  readonly path: string;
  /** What is brought back. */
  readonly version: number;
  /** What it replaces: this version, and no other. */
  readonly newest: Entry;
  readonly lock: HeldLock;
  readonly onBegun: () => void;
}

/** Brings an old version back as the newest one. Nothing of the history goes away. */
export function Restore({ path, version, newest, lock, onBegun }: RestoreProps) {
  const [isAsking, setAsking] = useState(false);
  const close = () => setAsking(false);
  const restore = async () => {
    const content = await contentOf(path, version);
    enqueue([new Upload(path, content, { base: newest, lockToken: () => lock.token })]);
    close();
    onBegun();
  };
  return (
    <>
      <Button kind="quiet" aria-haspopup="dialog" onClick={() => setAsking(true)}>
        {newest.kind === "deleted" ? `Bring version ${version} back` : "Restore"}
      </Button>
      {isAsking && (
        <FormDialog title={`Restore version ${version}?`} submit="Restore" onSubmit={restore} onClose={close}>
          <p>It is saved again, as a new version. All versions stay in the history.</p>
        </FormDialog>
      )}
    </>
  );
}

import { useState } from "preact/hooks";
import { ProblemError } from "detente-client";
import { FormDialog } from "../parts/form-dialog";
import { say } from "../parts/live-region";
import { go } from "../place";
import { request } from "../session/api";
import { fileUrl, folderUrl, nameOf, parentOf, type Entry } from "./entry";

interface RemovalProps {
  readonly path: string;
  /** What is deleted: this version, and no other. */
  readonly of: Pick<Entry, "kind" | "etag">;
  readonly lockToken?: string | undefined;
  readonly onRefused: () => void;
  readonly onClose: () => void;
}

/** Asks whether a file, or a folder with all that is in it, shall go. */
export function Removal({ path, of, lockToken, onRefused, onClose }: RemovalProps) {
  const name = nameOf(path);
  // What is shown behind the question may change; what is deleted may not.
  const [{ kind, etag }] = useState(of);
  const isFolder = kind === "folder";
  const remove = async () => {
    const headers = { "If-Match": etag, ...(lockToken !== undefined && { "Lock-Token": lockToken }) };
    try {
      await request(isFolder ? folderUrl(path) : fileUrl(path), { method: "DELETE", headers });
    } catch (error) {
      if (!(error instanceof ProblemError) || ![409, 412].includes(error.problem.status)) throw error;
      onRefused();
      const what = isFolder ? "Somebody changed something in this folder" : "Somebody saved this file";
      throw new Error(`${what} since you looked, so nothing was deleted. Look at it first.`, { cause: error });
    }
    say(`${name} was deleted`);
    go({ at: "files", path: parentOf(path) });
  };
  return (
    <FormDialog title={`Delete ${name}?`} submit="Delete" cancel="Keep it" isDanger onSubmit={remove} onClose={onClose}>
      <p>
        {isFolder
          ? "The folder goes with all that is in it, and only if that is still what you have seen."
          : "The file goes, if it is still the version that you have seen."}{" "}
        The history stays: what was deleted can be brought back, file by file.
      </p>
    </FormDialog>
  );
}

import { useEffect, useRef, useState } from "preact/hooks";
import type { HeldLock } from "../document/held-lock";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { Time } from "../parts/time";
import { href } from "../place";
import { listVersions, sizeInWords, whoSaved, type Entry } from "./entry";
import { Restore } from "./restore";

interface FileHistoryProps {
  readonly path: string;
  readonly newest: Entry;
  readonly lock: HeldLock;
  readonly onBegun: () => void;
  readonly onClose: () => void;
}

/** Every version of a file, to be looked at and brought back. */
export function FileHistory({ path, newest, lock, onBegun, onClose }: FileHistoryProps) {
  const [versions, setVersions] = useState<readonly Entry[]>([]);
  const [error, setError] = useState<unknown>();
  const next = useRef<string | null>(null);
  const more = async (signal: AbortSignal) => {
    try {
      const page = await listVersions(path, next.current, signal);
      next.current = page.next;
      setVersions((before) => [...before, ...page.entries]);
    } catch (failed) {
      if (!signal.aborted) setError(failed);
    }
  };
  const abort = useRef(new AbortController());
  useEffect(() => {
    void more(abort.current.signal);
    return () => abort.current.abort();
  }, []);
  return (
    <Dialog title="Versions" shape="side" onClose={onClose}>
      <ol class="versions" reversed>
        {versions.map((entry) => (
          <li key={entry.version} value={entry.version} class="version">
            <div>
              <p>
                <strong>{entry.version}</strong> · <bdi>{whoSaved(entry)}</bdi> ·{" "}
                <Time at={entry.updatedAt} />
              </p>
              <p class="muted">{contentInWords(entry)}</p>
            </div>
            {entry.kind === "file" && (
              <div class="actions">
                <a class="button quiet" href={`${href({ at: "files", path })}?version=${entry.version}`} onClick={onClose}>
                  Open
                </a>
                {entry.version !== newest.version && (
                  <Restore
                    path={path}
                    version={entry.version}
                    newest={newest}
                    lock={lock}
                    onBegun={() => {
                      onClose();
                      onBegun();
                    }}
                  />
                )}
              </div>
            )}
          </li>
        ))}
      </ol>
      {error !== undefined && <Failure error={error} />}
      {next.current !== null && <Button onClick={() => void more(abort.current.signal)}>Show older versions</Button>}
      {versions.length === 0 && error === undefined && <p class="muted">Reading …</p>}
    </Dialog>
  );
}

function contentInWords({ kind, size, type }: Entry): string {
  if (kind === "file") return `${sizeInWords(size)} · ${type}`;
  return kind === "deleted" ? "deleted" : "a folder";
}

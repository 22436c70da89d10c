import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { HeldLock } from "../document/held-lock";
import { LockPanel } from "../document/lock-panel";
import { Button } from "../parts/button";
import { Failure } from "../parts/failure";
import { say } from "../parts/live-region";
import { useLoad } from "../parts/load";
import { Page } from "../parts/page";
import { Time } from "../parts/time";
import { go, href, query } from "../place";
import { crumbsOf } from "./crumbs";
import { Download } from "./download";
import { fileUrl, nameOf, newestVersion, sizeInWords, whoSaved, type Entry } from "./entry";
import { FileHistory } from "./file-history";
import { FilePicker } from "./file-picker";
import { useLookOften } from "./look-often";
import { Preview } from "./preview";
import { enqueue } from "./queue";
import { Removal } from "./removal";
import { Restore } from "./restore";
import { lastStored, Upload } from "./upload";

interface FileProps {
  readonly path: string;
  /** The newest version when the file was opened; it may be a deletion. */
  readonly newest: Entry;
  readonly onChanged: () => void;
}

/** A file: what is in it, who saved it, its lock and its versions. */
export function File({ path, newest, onChanged }: FileProps) {
  const lock = useMemo(() => new HeldLock(fileUrl(path, "file-locks")), []);
  useEffect(() => () => lock.close(), []);
  const [asks, setAsks] = useState<"history" | "removal">();
  const wanted = Number(query.value.get("version") ?? newest.version);
  const isNewest = wanted === newest.version;
  const { loaded } = useLoad(
    async (signal) => {
      const entry = isNewest ? newest : await newestVersion(path, signal, wanted + 1);
      // What was deleted: a file, or a folder.
      const before = entry?.kind === "deleted" ? await newestVersion(path, signal, entry.version) : undefined;
      return { entry, before };
    },
    [wanted, newest],
  );
  const later = useNews(path, newest, onChanged);
  const { entry: shown, before } = loaded.state === "ready" ? loaded.value : {};
  const close = () => setAsks(undefined);
  const showNewest = () => go({ at: "files", path });
  const isDeleted = newest.kind === "deleted";
  return (
    <Page
      title={nameOf(path)}
      crumbs={crumbsOf(path)}
      actions={
        <>
          <Button aria-haspopup="dialog" onClick={() => setAsks("history")}>
            History
          </Button>
          {isNewest && !isDeleted && (
            <>
              <Button kind="danger" aria-haspopup="dialog" onClick={() => setAsks("removal")}>
                Delete
              </Button>
              <FilePicker
                label="Upload a new version"
                onFiles={(files) => enqueue(files.map((file) => new Upload(path, file, { base: newest, lockToken: () => lock.token })))}
              />
            </>
          )}
          {shown?.kind === "file" && <Download path={path} entry={shown} />}
        </>
      }
    >
      <div class="editor">
        <div class="editor-main">
          {later && (
            <div class="notice banner">
              <p>{newsOf(later)}</p>
              <div class="actions">
                <Button onClick={onChanged}>Show it</Button>
              </div>
            </div>
          )}
          {!isNewest && (
            <div class="notice">
              <p>
                This is version {wanted}. <a href={href({ at: "files", path })}>Show the newest</a>
              </p>
            </div>
          )}
          {loaded.state === "failed" && <Failure error={loaded.error} />}
          {shown?.kind === "file" && shown.version === wanted && <Preview key={wanted} path={path} entry={shown} />}
          {shown?.kind === "deleted" && (
            <div class="empty card">
              <p>
                <strong>
                  <bdi>{whoSaved(shown)}</bdi> deleted this {before?.kind}
                </strong>{" "}
                <Time at={shown.updatedAt} />, as version {shown.version}.
              </p>
              {isDeleted && before?.kind === "file" && <Restore path={path} version={before.version} newest={newest} lock={lock} onBegun={showNewest} />}
            </div>
          )}
        </div>
        <aside class="editor-side" aria-label="About this file">
          {shown?.kind === "file" && <About entry={shown} />}
          {!isDeleted && <LockPanel lock={lock} rest="Everybody can save, one after the other." />}
        </aside>
      </div>
      {asks === "history" && <FileHistory path={path} newest={newest} lock={lock} onBegun={showNewest} onClose={close} />}
      {asks === "removal" && <Removal path={path} of={newest} lockToken={lock.token} onRefused={onChanged} onClose={close} />}
    </Page>
  );
}

/** A version that somebody saved since. One's own is shown at once. */
function useNews(path: string, newest: Entry, onChanged: () => void): Entry | undefined {
  const [later, setLater] = useState<Entry>();
  const look = async () => {
    const found = await newestVersion(path, AbortSignal.timeout(10_000)).catch(() => undefined);
    if (!found || found.version <= newest.version || found.version === later?.version) return;
    setLater(found);
    say(newsOf(found));
  };
  useLookOften(() => void look());
  const own = lastStored.value;
  const seen = useRef(own);
  useEffect(() => {
    if (own !== seen.current && own?.path === path) onChanged();
  }, [own]);
  return later && later.version > newest.version ? later : undefined;
}

function newsOf(entry: Entry): string {
  const { kind, version } = entry;
  const who = whoSaved(entry);
  return kind === "deleted" ? `${who} deleted this file since you opened it.` : `${who} saved version ${version} since you opened this.`;
}

function About({ entry }: { readonly entry: Entry }) {
  const { version, updatedAt, size, type } = entry;
  return (
    <section class="panel" aria-labelledby="version-heading">
      <h2 id="version-heading">Version {version}</h2>
      <p>
        <bdi>{whoSaved(entry)}</bdi>, <Time at={updatedAt} />
      </p>
      <p class="muted">
        {sizeInWords(size)} · <bdi>{type}</bdi>
      </p>
    </section>
  );
}

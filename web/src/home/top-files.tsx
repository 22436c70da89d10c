import { useEffect } from "preact/hooks";
import { listFolder } from "../files/entry";
import { learnFiles } from "../files/known";
import { useLoad } from "../parts/load";
import { href, space } from "../place";

const shown = 5;

/** The first files and folders, and the way to all of them. */
export function TopFiles() {
  const { loaded } = useLoad((signal) => listFolder("", null, signal, shown), []);
  const isThere = loaded.state === "ready";
  useEffect(() => {
    if (isThere) learnFiles(space.peek() ?? "");
  }, [isThere]);
  // A server may have no files, or none for whoever asks.
  if (!isThere) return null;
  const { entries } = loaded.value;
  return (
    <aside class="panel card" aria-labelledby="files-heading">
      <h2 id="files-heading">Files</h2>
      {entries.length === 0 && <p class="muted">No file is stored here yet.</p>}
      <ul class="open-conflicts">
        {entries.map(({ name, kind }) => (
          <li key={name}>
            <a href={href({ at: "files", path: name })}>
              <bdi>{name}</bdi>
            </a>
            {kind === "folder" && <span aria-hidden="true">/</span>}
          </li>
        ))}
      </ul>
      <a href={href({ at: "files", path: "" })}>All files</a>
    </aside>
  );
}

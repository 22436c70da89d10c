import { Button } from "../parts/button";
import { wordsOf } from "../parts/failure";
import { href } from "../place";
import { CollisionDialog } from "./collision-dialog";
import { nameOf, sizeInWords } from "./entry";
import { clearUploads, uploads } from "./queue";
import type { Upload } from "./upload";

/** What is on its way, below every place of the page; and the question about one that collided. */
export function Uploads() {
  const all = uploads.value;
  if (all.length === 0) return null;
  const collided = all.filter((upload) => upload.state.value.kind === "collided");
  const asked = collided.find((upload) => !upload.isPutOff.value);
  const done = all.filter((upload) => !upload.isOpen).length;
  return (
    <>
      <aside class="uploads card" aria-labelledby="uploads-heading">
        <header class="dialog-head">
          <h2 id="uploads-heading">
            Uploads{" "}
            <span class="count">
              {done} of {all.length}
            </span>
          </h2>
          {done > 0 && (
            <Button kind="quiet" onClick={clearUploads}>
              Clear
            </Button>
          )}
        </header>
        <ul class="versions">
          {all.map((upload, index) => (
            <li key={index} class="version">
              <UploadRow upload={upload} />
            </li>
          ))}
        </ul>
      </aside>
      {asked && <CollisionDialog key={all.indexOf(asked)} upload={asked} others={collided.filter((upload) => upload !== asked)} />}
    </>
  );
}

function UploadRow({ upload }: { readonly upload: Upload }) {
  const { path, name, body } = upload;
  const state = upload.state.value;
  const part = state.kind === "sending" ? Math.min(1, state.sent / (body.size || 1)) : 0;
  return (
    <>
      <bdi>{state.kind === "stored" ? <a href={href({ at: "files", path: state.path }, upload.space)}>{nameOf(state.path)}</a> : path}</bdi>
      <span class="muted">
        {state.kind === "waiting" && "waits"}
        {state.kind === "sending" && (part < 1 ? `${Math.floor(part * 100)} % of ${sizeInWords(body.size)}` : "is being stored")}
        {state.kind === "stored" && "uploaded"}
        {state.kind === "left" && state.word}
      </span>
      {state.kind === "sending" && (
        <span class="progress">
          <progress value={part} aria-label={`How much of ${name} has gone`} />
        </span>
      )}
      {(state.kind === "waiting" || state.kind === "sending") && (
        <Button kind="quiet" aria-label={`Cancel ${name}`} onClick={() => upload.cancel()}>
          Cancel
        </Button>
      )}
      {state.kind === "collided" && (
        <>
          <span class="wrong">{upload.base ? "has changed" : "is there already"}</span>
          <Button aria-haspopup="dialog" aria-label={`Decide about ${name}`} onClick={() => (upload.isPutOff.value = false)}>
            Decide
          </Button>
        </>
      )}
      {state.kind === "failed" && (
        <>
          <span class="wrong" role="alert">
            <bdi>{wordsOf(state.error).detail}</bdi>
          </span>
          <Button kind="quiet" aria-label={`Try ${name} again`} onClick={() => upload.retry()}>
            Try again
          </Button>
        </>
      )}
    </>
  );
}

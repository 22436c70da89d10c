import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { useLoad } from "../parts/load";
import { Time } from "../parts/time";
import { contentOf, textOf } from "./content";
import { sizeInWords, whoSaved, type Entry } from "./entry";
import { TextJoin, type Texts } from "./text-join";
import type { Upload } from "./upload";

const largestText = 256 * 1024;

interface CollisionDialogProps {
  readonly upload: Upload;
  /** Others that wait for a decision. */
  readonly others: readonly Upload[];
}

/** Something else is stored where an upload would go: who saved it, and what may be done. Nothing is chosen for anybody. */
export function CollisionDialog({ upload, others }: CollisionDialogProps) {
  const state = upload.state.value;
  const theirs = state.kind === "collided" ? state.theirs : undefined;
  const { loaded } = useLoad((signal) => textsOf(upload, theirs, signal), [theirs]);
  const [isJoining, setJoining] = useState(upload.draft !== undefined);
  const [isForAll, setForAll] = useState(false);
  if (!theirs) return null;
  const texts = loaded.state === "ready" && loaded.value?.theirs === theirs ? loaded.value : undefined;
  const later = () => {
    upload.isPutOff.value = true;
  };
  const decide = (decision: (upload: Upload) => void) => [upload, ...(isForAll ? others : [])].forEach(decision);
  const title = `${upload.name} ${upload.base ? (theirs.kind === "deleted" ? "was deleted" : "has changed") : "is there already"}`;
  if (isJoining && texts) {
    return (
      <Dialog title={`Join ${upload.name}`} shape="wide" onClose={later}>
        <TextJoin key={theirs.etag} upload={upload} texts={texts} onBack={() => setJoining(false)} />
      </Dialog>
    );
  }
  return (
    <Dialog title={title} onClose={later}>
      <dl class="sides">
        <div class="side theirs">
          <dt>Theirs</dt>
          <dd>
            <bdi>{whoSaved(theirs)}</bdi>, <Time at={theirs.updatedAt} />
            <br />
            {factsOf(theirs)}
          </dd>
        </div>
        <div class="side yours">
          <dt>Yours</dt>
          <dd>
            {upload.body instanceof File && (
              <>
                last changed <Time at={new Date(upload.body.lastModified).toISOString()} />
                <br />
              </>
            )}
            {upload.base && `made of version ${upload.base.version}, `}
            {sizeInWords(upload.body.size)}
          </dd>
        </div>
      </dl>
      <ul class="ways">
        {theirs.kind === "file" && (
          <Way name="Keep both" what="Yours is stored beside it, with your name and the day in its name." onTake={() => decide((one) => one.keepBoth())} />
        )}
        {theirs.kind !== "folder" && (
          <Way name={theirs.kind === "file" ? "Replace" : "Store it again"} what={replacing(theirs)} onTake={() => upload.replace(theirs)} />
        )}
        {texts && <Way name="Merge" what="Both are texts: look at what differs, and store one text of both." onTake={() => setJoining(true)} />}
        <Way name="Skip" what="Yours is not uploaded. Theirs stays as it is." onTake={() => decide((one) => one.skip())} />
      </ul>
      {others.length > 0 && (
        <label class="check">
          <input type="checkbox" checked={isForAll} onChange={(event) => setForAll(event.currentTarget.checked)} />
          Keep both or skip: the same for {others.length} more
        </label>
      )}
    </Dialog>
  );
}

function factsOf({ kind, version, size }: Entry): string {
  if (kind === "file") return `version ${version}, ${sizeInWords(size)}`;
  return kind === "deleted" ? `deleted it, as version ${version}` : "a folder";
}

function replacing({ kind, version }: Entry): string {
  if (kind === "deleted") return "Yours becomes the newest version.";
  return `Yours becomes version ${version + 1}, if nobody saves before. Version ${version} stays in the history.`;
}

interface WayProps {
  readonly name: string;
  readonly what: string;
  readonly onTake: () => void;
}

function Way({ name, what, onTake }: WayProps) {
  return (
    <li>
      <Button onClick={onTake}>{name}</Button>
      <p class="hint">{what}</p>
    </li>
  );
}

/** The texts of both, and of what mine was made of; nothing, if one of them is no text. */
async function textsOf({ path, body, base }: Upload, theirs: Entry | undefined, signal: AbortSignal): Promise<Texts | undefined> {
  if (theirs?.kind !== "file" || Math.max(theirs.size, body.size) > largestText) return undefined;
  const read = async (content: Promise<Blob> | Blob) => textOf(await (await content).arrayBuffer(), false);
  const [their, mine, original] = await Promise.all([
    read(contentOf(path, theirs.version, signal)),
    read(body),
    // It may be kept no more.
    base && read(contentOf(path, base.version, signal)).catch(() => undefined),
  ]);
  return their === undefined || mine === undefined ? undefined : { theirs, their, mine, original };
}

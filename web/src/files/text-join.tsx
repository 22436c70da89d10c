import { useId, useMemo, useState } from "preact/hooks";
import { Button } from "../parts/button";
import { LongText } from "../parts/long-text";
import { WordDiff } from "../parts/word-diff";
import { ValueView } from "../parts/value-view";
import { versionInWords } from "../session/author";
import type { Entry } from "./entry";
import { hasMarks, join } from "./join";
import type { Upload } from "./upload";

export interface Texts {
  readonly theirs: Entry;
  readonly their: string;
  readonly mine: string;
  /** What mine was made of, if that is known. */
  readonly original: string | undefined;
}

interface TextJoinProps {
  readonly upload: Upload;
  readonly texts: Texts;
  readonly onBack: () => void;
}

/** Two texts side by side, and one of both that can be edited and is stored. */
export function TextJoin({ upload, texts, onBack }: TextJoinProps) {
  const { theirs } = texts;
  const id = useId();
  const { their, mine, original, isCrLf } = useMemo(() => withLines(texts), [texts]);
  const { text: begun, collisions } = useMemo(() => join(their, mine, original), [texts]);
  const [first] = useState(() => (upload.draft?.theirs.etag === theirs.etag ? upload.draft.text : begun));
  const [text, setText] = useState(first);
  const isMarked = hasMarks(text);
  const take = (next: string) => {
    upload.draft = { theirs, text: next };
    setText(next);
  };
  const save = () => upload.join(theirs, isCrLf ? text.replaceAll("\n", "\r\n") : text);
  const whose = versionInWords({ updatedBy: theirs.updatedBy, version: theirs.version, doc: { etag: theirs.etag } });
  return (
    <>
      <dl class="sides joined">
        <div class="side theirs">
          <dt>
            Theirs: <bdi>{whose}</bdi>
          </dt>
          <dd tabIndex={0}>{original === undefined ? <ValueView value={their} /> : <WordDiff from={original} to={their} />}</dd>
        </div>
        <div class="side yours">
          <dt>Yours{original === undefined && ", against theirs"}</dt>
          <dd tabIndex={0}>
            <WordDiff from={original ?? their} to={mine} />
          </dd>
        </div>
      </dl>
      <div class="field raw">
        <label for={id}>One text of both</label>
        <p class="hint" id={`${id}h`} role="status">
          {inWords(collisions, isMarked, original !== undefined)}
        </p>
        <LongText id={id} text={first} revision={first} rows={10} aria-describedby={`${id}h`} onTyped={(read) => take(read())} />
      </div>
      <div class="actions end">
        <Button onClick={onBack}>Back</Button>
        <Button kind="main" disabled={isMarked} onClick={save}>
          Save as version {theirs.version + 1}
        </Button>
      </div>
    </>
  );
}

function inWords(collisions: number, isMarked: boolean, hasOriginal: boolean): string {
  if (isMarked) return `Both changed the same lines in ${collisions} ${collisions === 1 ? "place" : "places"}: choose between <<<<<<< and >>>>>>>, and take these marks out.`;
  return hasOriginal ? "It has the changes of both. Read it before you save it." : "It has all lines of both. Take out what should not stay.";
}

/** A field of a browser knows one end of lines. */
function withLines({ their, mine, original }: Texts) {
  const lines = (text: string) => text.replaceAll("\r\n", "\n");
  const isCrLf = their.includes("\r\n");
  return { their: lines(their), mine: lines(mine), original: original === undefined ? undefined : lines(original), isCrLf };
}

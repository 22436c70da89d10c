import type { DismissOptions, LogEntryWhole } from "detente-client";
import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Failure } from "../parts/failure";
import { say } from "../parts/live-region";
import { useLoad } from "../parts/load";
import { Page } from "../parts/page";
import { ValueView } from "../parts/value-view";
import { fileCollection, go, href, query } from "../place";
import { client } from "../session/session";
import { Collisions } from "./collisions";
import { Confirmation } from "./dismissal";
import { canReplay } from "./replay";
import { Replays } from "./replays";
import { Resolving } from "./resolving";
import { Timeline } from "./timeline";
import { versionsOf } from "./versions";

const crumbs = () => [{ href: href({ at: "conflicts" }), text: "Conflicts" }];

/** One refused write: how it came to it, what met, and its way out. */
export function Entry({ entry: id }: { readonly entry: string }) {
  const { loaded, reload } = useLoad((signal) => client().conflicts.get(id, { signal }), [id]);
  if (loaded.state === "ready") return <Known entry={loaded.value} onSettled={reload} />;
  return (
    <Page title="A conflict" crumbs={crumbs()}>
      {loaded.state === "failed" ? <Failure error={loaded.error} onRetry={reload} /> : <p class="muted">Loading …</p>}
    </Page>
  );
}

interface KnownProps {
  readonly entry: LogEntryWhole;
  readonly onSettled: () => void;
}

/** The entry, or with `?resolve` in the address the merge view over it. */
function Known({ entry, onSettled }: KnownProps) {
  const title = `Refused edit of ${entry.document}`;
  const back = () => go({ at: "entry", entry: entry.id });
  if (entry.outcome !== "open" || isOfFiles(entry) || !query.value.has("resolve")) return <Shown title={title} entry={entry} onSettled={onSettled} />;
  return (
    <Resolving
      entry={entry}
      crumbs={[...crumbs(), { href: href({ at: "entry", entry: entry.id }), text: title }]}
      onSettled={() => {
        back();
        onSettled();
      }}
      onCancel={back}
    />
  );
}

function Shown({ title, entry, onSettled }: KnownProps & { readonly title: string }) {
  const { by, collection, document, outcome, settledVersion, edit } = entry;
  const { loaded } = useLoad((signal) => versionsOf(entry, signal), [entry.id, settledVersion]);
  const versions = loaded.state === "ready" ? loaded.value : undefined;
  return (
    <Page title={title} crumbs={crumbs()} actions={outcome === "open" && <WaysOut entry={entry} onSettled={onSettled} />}>
      <div class="stack entry">
        <p>
          By <bdi>{by}</bdi>, of{" "}
          <a href={href({ at: "document", collection, id: document })}>
            <bdi>{`${collection}/${document}`}</bdi>
          </a>
          . “Yours” is the refused edit, and “theirs” is what was stored when it came.
        </p>
        <h2 id="what-happened">What happened</h2>
        <Timeline entry={entry} versions={versions} />
        <h2>What met</h2>
        <Collisions entry={entry} versions={versions} />
        {outcome === "open" && !isOfFiles(entry) && canReplay(entry) && (
          <>
            <h2>Try without storing</h2>
            <Replays entry={entry} />
          </>
        )}
        <details>
          <summary>The whole edit</summary>
          {edit.deletion ? <p>It deletes the document.</p> : <ValueView value={edit.document ?? edit.mergePatch ?? edit.jsonPatch} />}
        </details>
      </div>
    </Page>
  );
}

/** Contents are not merged here. */
function isOfFiles({ collection }: LogEntryWhole): boolean {
  return collection === fileCollection;
}

function WaysOut({ entry, onSettled }: KnownProps) {
  const [isAsked, setAsked] = useState(false);
  const dismiss = async (why: DismissOptions) => {
    await client().conflicts.dismiss(entry.id, why);
    return 1;
  };
  const done = () => {
    say("Dismissed");
    onSettled();
  };
  return (
    <>
      {isOfFiles(entry) ? (
        <a class="button main" href={href({ at: "document", collection: entry.collection, id: entry.document })}>
          Open the file
        </a>
      ) : (
        <a class="button main" href={`${href({ at: "entry", entry: entry.id })}?resolve`}>
          Resolve
        </a>
      )}
      <Button onClick={() => setAsked(true)}>Dismiss</Button>
      {isAsked && <Confirmation title="Dismiss this edit?" onClose={() => setAsked(false)} dismiss={dismiss} onDone={done} />}
    </>
  );
}

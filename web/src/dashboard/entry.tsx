import type { LogEntryWhole } from "detente-client";
import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Failure } from "../parts/failure";
import { say } from "../parts/live-region";
import { useLoad } from "../parts/load";
import { Page } from "../parts/page";
import { ValueView } from "../parts/value-view";
import { href } from "../place";
import { client } from "../session/session";
import { Collisions } from "./collisions";
import { Confirmation } from "./dismissal";
import { Resolve } from "./resolve";
import { Timeline } from "./timeline";
import { versionsOf } from "./versions";

const crumbs = () => [{ href: href({ at: "conflicts" }), text: "Conflicts" }];

/** One refused write: how it came to it, what met, and its way out. */
export function Entry({ entry: id }: { readonly entry: string }) {
  const { loaded, reload } = useLoad((signal) => client().conflicts.get(id, { signal }), [id]);
  if (loaded.state === "ready") return <Shown entry={loaded.value} onSettled={reload} />;
  return (
    <Page title="A conflict" crumbs={crumbs()}>
      {loaded.state === "failed" ? <Failure error={loaded.error} onRetry={reload} /> : <p class="muted">Loading …</p>}
    </Page>
  );
}

interface ShownProps {
  readonly entry: LogEntryWhole;
  readonly onSettled: () => void;
}

function Shown({ entry, onSettled }: ShownProps) {
  const { by, collection, document, outcome, settledVersion, edit } = entry;
  const { loaded } = useLoad((signal) => versionsOf(entry, signal), [entry.id, settledVersion]);
  const versions = loaded.state === "ready" ? loaded.value : undefined;
  return (
    <Page title={`${by}'s edit of ${document}`} crumbs={crumbs()} actions={outcome === "open" && <Dismiss entry={entry} onSettled={onSettled} />}>
      <div class="stack entry">
        <p>
          Of <a href={href({ at: "document", collection, id: document })}><bdi>{`${collection}/${document}`}</bdi></a>.
          “Yours” is the refused edit, and “theirs” is what was stored when it came.
        </p>
        <Timeline entry={entry} versions={versions} />
        <h2>What met</h2>
        <Collisions entry={entry} versions={versions} />
        {outcome === "open" && (
          <>
            <h2>Resolve</h2>
            <Resolve entry={entry} onSettled={onSettled} />
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

function Dismiss({ entry, onSettled }: ShownProps) {
  const [isAsked, setAsked] = useState(false);
  const dismiss = async () => {
    await client().conflicts.dismiss(entry.id);
    return 1;
  };
  const done = () => {
    say("Dismissed");
    onSettled();
  };
  return (
    <>
      <Button onClick={() => setAsked(true)}>Dismiss</Button>
      {isAsked && <Confirmation title="Dismiss this edit?" onClose={() => setAsked(false)} dismiss={dismiss} onDone={done} />}
    </>
  );
}

import { useEffect, useRef, useState } from "preact/hooks";
import type { Choices, Draft, Preview, Row } from "detente-client";
import { sendArrival } from "../document/arrival";
import { crumbsOf } from "../document/crumbs";
import { forgetDraft, offeredDraft, type DocumentName } from "../document/kept-draft";
import { newestVersion } from "../document/newest-version";
import { SaveNotice } from "../document/save-notice";
import { Failure } from "../parts/failure";
import { useFeed } from "../parts/feed";
import { say } from "../parts/live-region";
import { useLoad } from "../parts/load";
import { Page } from "../parts/page";
import { go, href } from "../place";
import { author, versionInWords } from "../session/author";
import { client } from "../session/session";
import { rememberSave } from "../session/tab";
import { ProblemError } from "detente-client";
import type { Collision } from "./collision";
import { MergeView } from "./merge-view";

interface Meeting {
  readonly draft: Draft<unknown>;
  readonly preview: Preview<unknown>;
  readonly newest: Row;
}

/** Decides about what a draft and the newest version disagree on. */
export function Merge(of: DocumentName) {
  const { loaded, reload } = useLoad((signal) => meet(of, signal), []);
  if (loaded.state === "ready" && loaded.value) return <Deciding of={of} first={loaded.value} />;
  return (
    <Page title="Merge" crumbs={crumbs(of)} takesFocus>
      {loaded.state === "loading" && <p class="muted">Comparing …</p>}
      {loaded.state === "failed" && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === "ready" && (
        <p>
          There is no draft of this document here, so there is nothing to merge.{" "}
          <a href={href({ at: "document", collection: of.collection, id: of.id })}>Open the document</a>
        </p>
      )}
    </Page>
  );
}

function crumbs(of: DocumentName) {
  return [...crumbsOf(of), { href: href({ at: "document", collection: of.collection, id: of.id }), text: of.id }];
}

async function meet(of: DocumentName, signal: AbortSignal): Promise<Meeting | undefined> {
  const offer = await offeredDraft(of);
  if (!offer?.draft.record) return undefined;
  const draft = client().collection<unknown>(of.collection).resume(offer.draft.record);
  const newest = await newestVersion(of, signal);
  if (!newest) return undefined;
  return { draft, newest, preview: await draft.preview({ signal }) };
}

function Deciding({ of: { collection, id }, first }: { readonly of: DocumentName; readonly first: Meeting }) {
  const of = { collection, id };
  const { draft } = first;
  const [meeting, setMeeting] = useState(first);
  const [error, setError] = useState<unknown>();
  const [isSaving, setSaving] = useState(false);
  const isBusy = useRef(false);
  useEffect(() => () => draft.close(), [draft]);

  const lookAgain = async (newest: Row) => {
    if (isBusy.current || newest.version <= meeting.newest.version) return;
    draft.learn(newest);
    try {
      setMeeting({ draft, newest, preview: await draft.preview() });
      say(`${author(newest)} saved version ${newest.version} meanwhile. What you chose stands where nothing changed.`);
    } catch (failed) {
      setError(failed);
    }
  };
  useFeed(
    (options) => client().collection<unknown>(collection).watch({ ...options, id }),
    (change) => {
      if (change.kind === "change") void lookAgain(change.row);
    },
    [],
  );
  const cancel = () => {
    sendArrival(of, { continues: true });
    go({ at: "document", ...of });
  };
  const save = async (choices: Choices) => {
    setSaving(true);
    setError(undefined);
    isBusy.current = true;
    const sent = structuredClone(draft.value);
    try {
      const saved = await (meeting.preview.kind === "conflict" ? draft.resolve(choices) : draft.save());
      if (saved.kind !== "conflict") {
        rememberSave(saved.doc.etag);
        forgetDraft(of);
        const { doc, joined } = saved;
        const stored = { version: doc.version, theirs: versionInWords(meeting.newest), sent, stored: doc.value, joined };
        sendArrival(of, { outcome: { kind: "merged", ...stored } });
        return go({ at: "document", ...of });
      }
      const newest = (await newestVersion(of, AbortSignal.timeout(15_000))) ?? meeting.newest;
      setMeeting({ draft, newest, preview: saved });
      say("Somebody saved in this moment. What they changed has to be decided again.");
    } catch (failed) {
      setError(failed);
    } finally {
      isBusy.current = false;
      setSaving(false);
    }
  };
  const { newest } = meeting;
  const { base } = draft;
  return (
    <MergeView
      collision={collisionOf(meeting)}
      sides={{
        original: { version: base.version, ...(base.updatedBy && { who: base.updatedBy }), at: base.updatedAt },
        theirs: { version: newest.version, who: author(newest), at: newest.updatedAt },
        yours: { who: "you" },
      }}
      crumbs={crumbs(of)}
      notice={error !== undefined && <SaveNotice outcome={outcomeOf(error)} collection={collection} />}
      isSaving={isSaving}
      onSave={(choices) => void save(choices)}
      onCancel={cancel}
    />
  );
}

function outcomeOf(error: unknown) {
  return error instanceof ProblemError ? ({ kind: "refused", error } as const) : ({ kind: "failed", error } as const);
}

function collisionOf({ draft, preview, newest }: Meeting): Collision {
  const shared = { original: draft.base.value, yours: draft.value };
  if (preview.kind !== "conflict") {
    return { ...shared, theirs: newest.doc?.value, merged: preview.value, fields: [], joined: preview.joined };
  }
  const { theirs, merged, fields, joined } = preview.conflict;
  return { ...shared, theirs: theirs?.value ?? newest.doc?.value, merged, fields, joined };
}

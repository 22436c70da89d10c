import { useState } from "preact/hooks";
import type { Row } from "detente-client";
import { Button } from "../parts/button";
import { Failure } from "../parts/failure";
import { Page } from "../parts/page";
import { Time } from "../parts/time";
import { author, capital } from "../session/author";
import { client, hasToken } from "../session/session";
import { rememberSave } from "../session/tab";
import { crumbsOf } from "./crumbs";
import { jsonText } from "./json-text";
import type { DocumentName, Offer } from "./kept-draft";
import { putText } from "./put-text";

interface MissingProps {
  readonly of: DocumentName;
  /** The deletion, if there was a document. */
  readonly newest: Row | undefined;
  readonly offer: Offer | undefined;
  /** Why nothing can be read. Then nobody here knows whether there is a document. */
  readonly unreadable: unknown;
  /** Whether it was created here. */
  readonly isStored: boolean;
  readonly onCreate: () => void;
  readonly onBack: () => void;
}

/** There is no such document: it was deleted, or never was. */
export function Missing({ of, newest, offer, unreadable, isStored, onCreate, onBack }: MissingProps) {
  const [error, setError] = useState<unknown>();
  const bring = async (text: () => Promise<string>) => {
    try {
      rememberSave(await putText(of, await text(), {}));
      onBack();
    } catch (failed) {
      setError(failed);
    }
  };
  const lastText = async () => {
    const before = newest && (await client().collection<unknown>(of.collection).version(of.id, newest.version - 1));
    if (!before) throw new Error("The version before the deletion is no longer kept.");
    const draft = await client().collection<unknown>(of.collection).edit(before);
    return draft.record().base.text;
  };
  const kept = offer?.draft.record;
  const draftWords = kept && `This browser keeps a draft of yours, begun from version ${kept.base.version}. It is safe`;
  if (unreadable) {
    return (
      <Page title={of.id} crumbs={crumbsOf(of)}>
        <div class="stack">
          {isStored ? <p class="notice good">It is stored. You may not read it, so it is not shown.</p> : <Failure error={unreadable} onRetry={onBack} />}
          {kept && <p>{draftWords}.</p>}
          {!isStored && (
            <div class="actions">
              <Button onClick={onCreate}>Create it, if there is none</Button>
            </div>
          )}
        </div>
      </Page>
    );
  }
  return (
    <Page title={of.id} crumbs={crumbsOf(of)}>
      <div class="empty">
        {newest ? (
          <p>
            <strong>
              <bdi>{capital(author(newest))}</bdi> deleted this document
            </strong>{" "}
            <Time at={newest.updatedAt} />, as version {newest.version}.
          </p>
        ) : (
          <p>
            <strong>There is no document with this id</strong> in <bdi>{of.collection}</bdi>
            {hasToken.value ? " that you may read." : ", and there never was."}
          </p>
        )}
        {draftWords && (
          <p class="notice warn">
            {draftWords}: create the document again with it.
          </p>
        )}
        {error !== undefined && <Failure error={error} />}
        <div class="actions">
          {kept && (
            <Button kind="main" onClick={() => void bring(async () => jsonText(kept.value, new Map()))}>
              Create it again with my draft
            </Button>
          )}
          {newest && (
            <Button kind={kept ? "plain" : "main"} onClick={() => void bring(lastText)}>
              Bring version {newest.version - 1} back
            </Button>
          )}
          <Button kind={newest ? "plain" : "main"} onClick={onCreate}>
            {newest ? "Begin it anew" : "Create it"}
          </Button>
        </div>
      </div>
    </Page>
  );
}

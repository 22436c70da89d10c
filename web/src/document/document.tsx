import { useEffect, useState } from "preact/hooks";
import type { Draft, Row } from "detente-client";
import { Failure, isUnreadable } from "../parts/failure";
import { useLoad } from "../parts/load";
import { Page } from "../parts/page";
import { query } from "../place";
import { schemaOf, type Schema } from "../session/schema";
import { client } from "../session/session";
import { crumbsOf } from "./crumbs";
import { Desk } from "./desk";
import { Editor } from "./editor";
import { offeredDraft, type DocumentName, type Offer } from "./kept-draft";
import { Missing } from "./missing";
import { newestVersion } from "./newest-version";
import { NewDocument } from "./new-document";

interface Found {
  /** Absent if there is no document now. */
  readonly draft: Draft<unknown> | undefined;
  /** Absent if there never was one. */
  readonly newest: Row | undefined;
  readonly schema: Schema | undefined;
  readonly offer: Offer | undefined;
  /** Why it cannot be read; it may be there, and whoever may write may create it. */
  readonly error?: unknown;
}

/** A document: the editor if there is one, and otherwise why not. */
export function Document(of: DocumentName) {
  const { loaded, reload } = useLoad((signal) => find(of, signal), []);
  const [isNew, setNew] = useState(query.peek().has("new"));
  const [isStored, setStored] = useState(false);
  if (loaded.state !== "ready") {
    return (
      <Page title={of.id} crumbs={crumbsOf(of)}>
        {loaded.state === "failed" ? <Failure error={loaded.error} onRetry={reload} /> : <p class="muted">Reading …</p>}
      </Page>
    );
  }
  const { draft, newest, schema, offer, error } = loaded.value;
  if (draft && newest) return <Existing of={of} draft={draft} newest={newest} schema={schema} offer={offer} />;
  if (!(isStored && error) && (isNew || offer?.draft.created !== undefined)) {
    const onCreated = () => {
      setStored(true);
      reload();
    };
    return <NewDocument of={of} schema={schema} offer={offer} onCreated={onCreated} />;
  }
  return <Missing of={of} newest={newest} offer={offer} unreadable={error} isStored={isStored} onCreate={() => setNew(true)} onBack={reload} />;
}

async function find(of: DocumentName, signal: AbortSignal): Promise<Found> {
  let error: unknown;
  const newestIfAny = newestVersion(of, signal).catch((failed: unknown) => {
    if (!isUnreadable(failed)) throw failed;
    error = failed;
    return undefined;
  });
  const [newest, schema, offer] = await Promise.all([newestIfAny, schemaOf(of.collection), offeredDraft(of)]);
  const draft = newest?.doc && (await client().collection<unknown>(of.collection).edit(newest.doc));
  return { draft, newest, schema, offer, error };
}

interface ExistingProps {
  readonly of: DocumentName;
  readonly draft: Draft<unknown>;
  readonly newest: Row;
  readonly schema: Schema | undefined;
  readonly offer: Offer | undefined;
}

function Existing({ of, draft, newest, schema, offer }: ExistingProps) {
  const [desk, setDesk] = useState<Desk>();
  useEffect(() => {
    const made = new Desk({ collection: of.collection, id: of.id }, draft, newest, offer);
    setDesk(made);
    return () => made.close();
  }, [draft]);
  return desk ? <Editor desk={desk} schema={schema} /> : <Page title={of.id} crumbs={crumbsOf(of)} />;
}

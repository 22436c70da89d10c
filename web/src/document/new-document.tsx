import { useEffect, useMemo, useState } from "preact/hooks";
import { ConflictError, ProblemError } from "detente-client";
import { Button } from "../parts/button";
import { say } from "../parts/live-region";
import { Page } from "../parts/page";
import { setQuery } from "../place";
import type { Schema } from "../session/schema";
import { rememberSave } from "../session/tab";
import { crumbsOf } from "./crumbs";
import { Form } from "./form/form";
import { FormState } from "./form/form-state";
import { blankOf } from "./form/kind";
import { jsonText } from "./json-text";
import { mistakeOf } from "./json-syntax";
import { forgetDraft, keepDraft, type DocumentName, type Offer } from "./kept-draft";
import { OfferNotice } from "./offer-notice";
import { putText } from "./put-text";
import { RawText } from "./raw-text";
import { useSaveKey } from "./save-key";
import { SaveNotice } from "./save-notice";
import { violationsOf, type Outcome } from "./saving";

interface NewDocumentProps {
  readonly of: DocumentName;
  readonly schema: Schema | undefined;
  readonly offer: Offer | undefined;
  readonly onCreated: () => void;
}

const keepMs = 60;

/** A document that is not stored yet. */
export function NewDocument({ of, schema, offer: offered, onCreated }: NewDocumentProps) {
  const [offer, setOffer] = useState(offered);
  const [raw, setRaw] = useState<string>();
  const [outcome, setOutcome] = useState<Outcome>();
  const [isCreating, setCreating] = useState(false);
  const form = useMemo(() => new FormState(blankOf({ type: "object", ...schema }), () => keeping.soon()), []);
  const keeping = useMemo(() => new Keeping(of, form), []);
  useEffect(() => () => keeping.close(), []);
  const goOn = ({ draft }: Offer) => {
    form.replace(draft.created);
    if (draft.raw !== undefined) setRaw(draft.raw);
    setOffer(undefined);
  };
  const create = async () => {
    form.flush();
    const text = raw ?? jsonText(form.value.peek(), new Map());
    const mistake = mistakeOf(text);
    const places = raw === undefined ? [...form.unfinished.peek().keys()] : [];
    if (mistake) return setOutcome({ kind: "unreadable", mistake });
    if (places.length > 0) return setOutcome({ kind: "unfinished", places });
    setCreating(true);
    try {
      rememberSave(await putText(of, text, {}));
      keeping.forget();
      say("Created");
      setQuery(new URLSearchParams());
      onCreated();
    } catch (error) {
      setCreating(false);
      setOutcome(refusal(error));
      if (error instanceof ProblemError) form.violations.value = violationsOf(error);
    }
  };
  const toggle = () => {
    form.flush();
    if (raw === undefined) return setRaw(jsonText(form.value.peek(), new Map()));
    const mistake = mistakeOf(raw);
    if (mistake) return setOutcome({ kind: "unreadable", mistake });
    form.replace(JSON.parse(raw));
    setRaw(undefined);
  };
  const onText = (text: string) => {
    setRaw(text);
    keeping.soon(text);
  };
  useSaveKey(() => !isCreating && !offer && void create());
  return (
    <Page title={`New: ${of.id}`} crumbs={crumbsOf(of)} actions={<Button onClick={toggle}>{raw === undefined ? "As text" : "As a form"}</Button>}>
      <div class="editor-main">
        {offer && <OfferNotice of={of} offer={offer} onContinue={goOn} onDiscard={() => setOffer(undefined)} />}
        {raw === undefined ? (
          <Form state={form} schema={schema} disabled={offer !== undefined} onRaw={toggle} />
        ) : (
          <RawText text={raw} disabled={offer !== undefined} onText={onText} />
        )}
        <div class="foot">
          {outcome && <SaveNotice outcome={outcome} collection={of.collection} />}
          <div class="save-bar" role="group" aria-label="Create">
            <p class="save-state muted">Not stored yet. What you write is kept in this browser.</p>
            <Button kind="main" busy={isCreating} disabled={isCreating || offer !== undefined} onClick={() => void create()}>
              Create
            </Button>
          </div>
        </div>
      </div>
    </Page>
  );
}

function refusal(error: unknown): Outcome {
  if (!(error instanceof ProblemError)) return { kind: "failed", error };
  const isThere = error instanceof ConflictError || error.problem.status === 412;
  return isThere ? { kind: "failed", error: new Error("Somebody created a document with this id. Open it, or choose another id.") } : { kind: "refused", error };
}

/** Keeps what is typed for a document that is not stored yet. */
class Keeping {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #raw: string | undefined;

  constructor(
    private readonly of: DocumentName,
    private readonly form: FormState,
  ) {
    addEventListener("pagehide", this.#now);
  }

  soon(raw?: string): void {
    this.#raw = raw;
    this.#timer ??= setTimeout(this.#now, keepMs);
  }

  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    forgetDraft(this.of);
  }

  close(): void {
    removeEventListener("pagehide", this.#now);
    this.#now();
  }

  readonly #now = (): void => {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.form.flush();
    keepDraft(this.of, { created: this.form.value.peek(), at: Date.now(), ...(this.#raw !== undefined && { raw: this.#raw }) });
  };
}

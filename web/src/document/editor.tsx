import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { useFeed } from "../parts/feed";
import { Page } from "../parts/page";
import { client } from "../session/session";
import type { Schema } from "../session/schema";
import { Banner } from "./banner";
import { crumbsOf } from "./crumbs";
import { DeleteDialog } from "./delete-dialog";
import { DeletedMeanwhile } from "./deleted-meanwhile";
import type { Desk } from "./desk";
import { Form } from "./form/form";
import { query } from "../place";
import { History } from "./history";
import { LockPanel } from "./lock-panel";
import { OfferNotice } from "./offer-notice";
import { RawText } from "./raw-text";
import { useSaveKey } from "./save-key";
import { SaveBar } from "./save-bar";
import { SaveNotice } from "./save-notice";
import { VersionPanel } from "./version-panel";

interface EditorProps {
  readonly desk: Desk;
  readonly schema: Schema | undefined;
}

/** Edits a document that exists. */
export function Editor({ desk, schema }: EditorProps) {
  const { of, edit, saving, lock } = desk;
  // A link to a past version opens the history there.
  const [open, setOpen] = useState<"history" | "delete" | undefined>(query.peek().has("version") ? "history" : undefined);
  useFeed(
    (options) => client().collection<unknown>(of.collection).watch({ ...options, id: of.id }),
    (change) => (change.kind === "change" ? desk.learn(change.row) : void desk.catchUp()),
    [desk],
  );
  const offer = desk.offer.value;
  const isWaiting = desk.isWaiting.value;
  const outcome = saving.outcome.value;
  const raw = edit.raw.value;
  useSaveKey(() => !open && void desk.save());
  const close = () => setOpen(undefined);
  return (
    <Page title={of.id} crumbs={crumbsOf(of)} actions={<Actions desk={desk} onOpen={setOpen} />}>
      <div class="editor">
        <div class="editor-main">
          {offer && <OfferNotice of={of} offer={offer} onContinue={() => desk.goOn(offer)} onDiscard={() => (desk.offer.value = undefined)} />}
          {raw === undefined ? (
            <Form state={edit.form} schema={schema} disabled={isWaiting} onRaw={() => edit.enterRaw()} />
          ) : (
            <RawText text={raw} disabled={isWaiting} onText={(text) => edit.writeRaw(text)} />
          )}
          {/* At the foot, what is said moves nothing that somebody writes in. */}
          <div class="foot">
            {edit.isDeleted.value ? <DeletedMeanwhile desk={desk} /> : <Banner edit={edit} onDecide={() => desk.decide()} />}
            {outcome && <SaveNotice outcome={outcome} collection={of.collection} />}
            <SaveBar desk={desk} />
          </div>
        </div>
        <aside class="editor-side" aria-label="About this document">
          <VersionPanel edit={edit} onHistory={() => setOpen("history")} />
          <LockPanel lock={lock} />
        </aside>
      </div>
      {open === "history" && <History edit={edit} lockToken={lock.token} onClose={close} />}
      {open === "delete" && <DeleteDialog edit={edit} lockToken={lock.token} onClose={close} />}
    </Page>
  );
}

function Actions({ desk, onOpen }: { readonly desk: Desk; readonly onOpen: (what: "history" | "delete") => void }) {
  const { edit } = desk;
  const raw = edit.raw.value;
  return (
    <>
      {raw === undefined ? (
        <Button disabled={desk.isWaiting.value} onClick={() => edit.enterRaw()}>
          As text
        </Button>
      ) : (
        <Button onClick={() => desk.leaveRaw()}>As a form</Button>
      )}
      <Button aria-haspopup="dialog" onClick={() => onOpen("history")}>
        History
      </Button>
      <Button kind="danger" aria-haspopup="dialog" disabled={edit.isDeleted.value} onClick={() => onOpen("delete")}>
        Delete
      </Button>
    </>
  );
}

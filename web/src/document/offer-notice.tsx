import { Button } from "../parts/button";
import { clockTime } from "../parts/time";
import { thisTab } from "../session/tab";
import { forgetDraft, type DocumentName, type Offer } from "./kept-draft";

interface OfferNoticeProps {
  readonly of: DocumentName;
  readonly offer: Offer;
  readonly onContinue: (offer: Offer) => void;
  readonly onDiscard: () => void;
}

/** A draft from before, which nobody has decided about yet. */
export function OfferNotice({ of, offer, onContinue, onDiscard }: OfferNoticeProps) {
  const { record, at } = offer.draft;
  const isOther = offer.tab !== thisTab();
  const discard = () => {
    forgetDraft(of, offer.tab);
    onDiscard();
  };
  return (
    <div class="notice warn" role="group" aria-label="An unsaved draft">
      <p>
        <strong>
          You have an unsaved draft from {clockTime(at)}
          {record ? `, begun from version ${record.base.version}` : ""}
          {isOther ? ", in a tab that is closed now" : ""}.
        </strong>
      </p>
      <div class="actions">
        <Button kind="main" onClick={() => onContinue(offer)}>
          Continue
        </Button>
        <Button onClick={discard}>Discard</Button>
      </div>
    </div>
  );
}

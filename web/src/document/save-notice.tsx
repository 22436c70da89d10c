import { useState } from "preact/hooks";
import { ProblemError } from "detente-client";
import { Changes } from "../parts/changes";
import { Dialog } from "../parts/dialog";
import { EnterToken, wordsOf } from "../parts/failure";
import { inWords, isObject } from "../parts/pointer";
import { href } from "../place";
import { differingPlaces } from "./places";
import type { Outcome } from "./saving";

interface SaveNoticeProps {
  readonly outcome: Outcome;
  readonly collection: string;
}

/** What became of a save, in words. */
export function SaveNotice({ outcome, collection }: SaveNoticeProps) {
  const [isOpen, setOpen] = useState(false);
  switch (outcome.kind) {
    case "unchanged":
      return <p class="notice">There was nothing to save: this is version {outcome.version}.</p>;
    case "saved":
      return <p class="notice good">Saved as version {outcome.version}.</p>;
    case "merged":
      return (
        <div class="notice good">
          <p>
            {savedWords(outcome)}{" "}
            <button type="button" class="link" onClick={() => setOpen(true)}>
              Review
            </button>
          </p>
          {isOpen && (
            <Dialog title="What the merge made of your text" shape="side" onClose={() => setOpen(false)}>
              <Review sent={outcome.sent} stored={outcome.stored} joined={outcome.joined} />
            </Dialog>
          )}
        </div>
      );
    case "unreadable":
      return (
        <p class="notice bad">
          Not saved: the text is not JSON. Line {outcome.mistake.line}, column {outcome.mistake.column}: <bdi>{outcome.mistake.message}</bdi>
        </p>
      );
    case "unfinished":
      return (
        <p class="notice bad">
          Not saved: <bdi>{outcome.places.map(inWords).join(", ")}</bdi> {outcome.places.length === 1 ? "has" : "have"} no value yet.
        </p>
      );
    case "refused":
      return <Refusal error={outcome.error} collection={collection} />;
    case "failed":
      return (
        <div class="notice bad">
          <p>
            <strong>Not saved.</strong> <bdi>{wordsOf(outcome.error).detail}</bdi>
          </p>
        </div>
      );
  }
}

export function savedWords(outcome: Outcome): string {
  if (outcome.kind === "merged") {
    const read = outcome.joined.filter(({ review }) => review).map(({ path }) => inWords(path));
    const asks = read.length > 0 ? ` Please read ${read.join(", ")}.` : "";
    return `Saved and merged with ${outcome.theirs}, as version ${outcome.version}.${asks}`;
  }
  return outcome.kind === "saved" ? `Saved as version ${outcome.version}.` : "Not saved.";
}

type ReviewProps = Pick<Outcome & { readonly kind: "merged" }, "sent" | "stored" | "joined">;

function Review({ sent, stored, joined }: ReviewProps) {
  const places = differingPlaces(sent, stored);
  const unsure = joined.filter(({ review }) => review).map(({ path }) => path);
  if (places.length === 0) return <p>What is stored is what you wrote.</p>;
  return (
    <>
      <p class="muted">What you sent, and what is stored now.</p>
      <Changes before={sent} after={stored} places={places} unsure={unsure} />
    </>
  );
}

function Refusal({ error, collection }: { readonly error: ProblemError; readonly collection: string }) {
  const { kind, body, status } = error.problem;
  const { title, detail } = wordsOf(error);
  const violations = Array.isArray(body["violations"]) ? body["violations"].filter(isObject) : [];
  const existing = isObject(body["existing"]) ? body["existing"]["id"] : undefined;
  const steps = Array.isArray(body["allowed_transitions"]) ? body["allowed_transitions"].map(String) : [];
  return (
    <div class="notice bad" role="group" aria-label="Why it was not saved">
      <p>
        <strong>Not saved: {title.charAt(0).toLowerCase() + title.slice(1)}.</strong> Your text is kept here.
      </p>
      {kind === "invalid-document" && violations.length > 0 ? (
        <ul>
          {violations.slice(0, 20).map((violation, index) => (
            <li key={index}>
              <bdi>
                {inWords(String(violation["path"] ?? ""))}: {String(violation["message"])}
              </bdi>
            </li>
          ))}
        </ul>
      ) : (
        <p>
          <bdi>{body["current_etag"] === null ? "It is gone, or you may no longer read it." : detail}</bdi>
        </p>
      )}
      {status === 401 && (
        <div class="actions">
          <EnterToken />
        </div>
      )}
      {steps.length > 0 && <p>Allowed next: {steps.join(", ")}.</p>}
      {typeof existing === "string" && (
        <p>
          <a href={href({ at: "document", collection, id: existing })}>
            Open <bdi>{existing}</bdi>
          </a>
        </p>
      )}
      {status === 423 && <p>Try again when the lock has ended.</p>}
      {typeof body["logged"] === "string" && (
        <p class="muted">Your edit is in the conflict log, too: it is not lost even if you close this page.</p>
      )}
    </div>
  );
}

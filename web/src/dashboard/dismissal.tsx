import type { LogEntry } from "detente-client";
import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { client } from "../session/session";
import type { Filters } from "./filters";
import { countWords } from "./words";

interface DismissalProps {
  readonly filters: Filters;
  readonly chosen: readonly LogEntry[];
  readonly onDone: (count: number) => void;
}

/** Gives refused edits up: those that are chosen, or all that match the filters. */
export function Dismissal({ filters, chosen, onDone }: DismissalProps) {
  const [asked, setAsked] = useState<"chosen" | "matching">();
  const isFiltered = Object.keys(filters).some((name) => name !== "outcome");
  const canMatch = filters.outcome === undefined || filters.outcome === "open";
  const matching = isFiltered ? "all open ones that match" : "all open ones";
  return (
    <div class="actions">
      <Button disabled={chosen.length === 0} onClick={() => setAsked("chosen")}>
        {chosen.length === 0 ? "Dismiss those chosen" : `Dismiss ${chosen.length} chosen`}
      </Button>
      {canMatch && <Button onClick={() => setAsked("matching")}>Dismiss {matching}</Button>}
      {asked && (
        <Confirmation
          title={asked === "chosen" ? `Dismiss ${countWords(chosen.length, "conflict", "conflicts")}?` : `Dismiss ${matching}?`}
          onClose={() => setAsked(undefined)}
          dismiss={() => (asked === "chosen" ? dismissEach(chosen) : dismissMatching(filters))}
          onDone={onDone}
        />
      )}
    </div>
  );
}

interface ConfirmationProps {
  readonly title: string;
  readonly onClose: () => void;
  /** Answers how many were dismissed. */
  readonly dismiss: () => Promise<number>;
  readonly onDone: (count: number) => void;
}

export function Confirmation({ title, onClose, dismiss, onDone }: ConfirmationProps) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const confirm = async () => {
    setBusy(true);
    try {
      const count = await dismiss();
      onClose();
      onDone(count);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p>
        A dismissed edit is given up: it will not be stored. It can still be read here for as long as the log is kept. This
        cannot be undone.
      </p>
      {error !== undefined && <Failure error={error} />}
      <div class="actions end">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="danger" busy={isBusy} disabled={isBusy} onClick={confirm}>
          Dismiss
        </Button>
      </div>
    </Dialog>
  );
}

async function dismissEach(entries: readonly LogEntry[]): Promise<number> {
  for (const { id } of entries) await client().conflicts.dismiss(id);
  return entries.length;
}

/** The server dismisses so many at once, and says whether there are more. */
async function dismissMatching({ outcome: _, ...filters }: Filters): Promise<number> {
  let sum = 0;
  for (;;) {
    const { dismissed, more } = await client().conflicts.dismissAll(filters);
    sum += dismissed;
    if (!more) return sum;
  }
}

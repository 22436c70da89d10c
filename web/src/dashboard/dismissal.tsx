import type { DismissOptions, LogEntry } from "detente-client";
import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { FormDialog } from "../parts/form-dialog";
import { TextField } from "../parts/text-field";
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
          dismiss={(why) => (asked === "chosen" ? dismissEach(chosen, why) : dismissMatching(filters, why))}
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
  readonly dismiss: (why: DismissOptions) => Promise<number>;
  readonly onDone: (count: number) => void;
}

export function Confirmation({ title, onClose, dismiss, onDone }: ConfirmationProps) {
  const confirm = async (text: (name: string) => string) => {
    const reason = text("reason");
    const count = await dismiss(reason === "" ? {} : { reason });
    onClose();
    onDone(count);
  };
  return (
    <FormDialog title={title} submit="Dismiss" isDanger onSubmit={confirm} onClose={onClose}>
      <p>
        A dismissed edit is given up: it will not be stored. It can still be read here for as long as the log is kept. This
        cannot be undone.
      </p>
      <TextField label="Reason (optional)" name="reason" maxLength={1000} hint="Kept with the edit, for whoever asks later." />
    </FormDialog>
  );
}

async function dismissEach(entries: readonly LogEntry[], why: DismissOptions): Promise<number> {
  for (const { id } of entries) await client().conflicts.dismiss(id, why);
  return entries.length;
}

/** The server dismisses so many at once, and says whether there are more. */
async function dismissMatching({ outcome: _, ...filters }: Filters, why: DismissOptions): Promise<number> {
  let sum = 0;
  for (;;) {
    const { dismissed, more } = await client().conflicts.dismissAll(filters, why);
    sum += dismissed;
    if (!more) return sum;
  }
}

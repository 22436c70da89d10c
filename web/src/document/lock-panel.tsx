import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { wordsOf } from "../parts/failure";
import { FormDialog } from "../parts/form-dialog";
import { clockTime } from "../parts/time";
import type { HeldLock } from "./held-lock";

interface LockPanelProps {
  readonly lock: HeldLock;
  /** What others can do while nobody holds it. */
  readonly rest?: string;
}

/** Who holds the lock, and what one can do about it. */
export function LockPanel({ lock, rest = "Everybody can save, and edits are merged." }: LockPanelProps) {
  const [isBreaking, setBreaking] = useState(false);
  const state = lock.state.value;
  const error = lock.error.value;
  return (
    <section class="panel" aria-labelledby="lock-heading">
      <h2 id="lock-heading">Lock</h2>
      {state.kind === "ours" && (
        <>
          <p>You hold it: nobody else can save until you release it or leave.</p>
          <Button onClick={() => void lock.release()}>Release</Button>
        </>
      )}
      {(state.kind === "free" || state.kind === "unknown") && (
        <>
          <p class="muted">Nobody holds it. {rest}</p>
          <Button onClick={() => void lock.take()}>Lock for me</Button>
        </>
      )}
      {state.kind === "lost" && (
        <>
          <p>Your lock has ended. Others may have saved since.</p>
          <Button onClick={() => void lock.take()}>Lock again</Button>
        </>
      )}
      {state.kind === "taken" && (
        <>
          <p>
            <bdi>{state.by.owner || state.by.by || "Somebody"}</bdi> holds it until {clockTime(Date.parse(state.by.expiresAt))}, or longer
            if it is renewed. You can write, but not save.
          </p>
          <Button onClick={() => setBreaking(true)}>Take it away …</Button>
        </>
      )}
      {error !== undefined && (
        <p class="wrong" role="status">
          <bdi>{wordsOf(error).detail}</bdi>
        </p>
      )}
      {isBreaking && state.kind === "taken" && (
        <FormDialog
          title="Take the lock away?"
          submit="Take it away"
          isDanger
          onSubmit={() => {
            setBreaking(false);
            void lock.break();
          }}
          onClose={() => setBreaking(false)}
        >
          <p>
            <bdi>{state.by.owner || state.by.by}</bdi> is told at the next save that the lock is lost. What they wrote is not lost, but they
            have to look again.
          </p>
        </FormDialog>
      )}
    </section>
  );
}

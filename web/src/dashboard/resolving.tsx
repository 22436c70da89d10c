import { ProblemError, type Choices, type LogEntryWhole } from "detente-client";
import { useState } from "preact/hooks";
import { MergeView } from "../merge/merge-view";
import { Failure } from "../parts/failure";
import { say } from "../parts/live-region";
import { useLoad } from "../parts/load";
import { Page } from "../parts/page";
import { client } from "../session/session";
import { meetingOf, type Meeting } from "./meeting";

interface ResolvingProps {
  readonly entry: LogEntryWhole;
  readonly crumbs: readonly { readonly href: string; readonly text: string }[];
  readonly onSettled: () => void;
  readonly onCancel: () => void;
}

/** The merge view over a refused edit and what is stored now. */
export function Resolving(props: ResolvingProps) {
  const { entry, crumbs } = props;
  const { loaded, reload } = useLoad((signal) => meetingOf(entry, signal), [entry.id]);
  const meeting = loaded.state === "ready" ? loaded.value : undefined;
  if (meeting?.kind === "possible") return <Deciding {...props} meeting={meeting} onOvertaken={reload} />;
  return (
    <Page title="Resolve" crumbs={crumbs} takesFocus>
      {loaded.state === "loading" && <p class="muted">Comparing with what is stored now …</p>}
      {loaded.state === "failed" && <Failure error={loaded.error} onRetry={reload} />}
      {meeting?.kind === "impossible" && <p>{meeting.why}</p>}
    </Page>
  );
}

interface DecidingProps extends ResolvingProps {
  readonly meeting: Extract<Meeting, { kind: "possible" }>;
  readonly onOvertaken: () => void;
}

type Attempt = { readonly kind: "none" | "busy" | "overtaken" } | { readonly kind: "failed"; readonly error: unknown };

function Deciding({ entry, crumbs, meeting, onOvertaken, onSettled, onCancel }: DecidingProps) {
  const [attempt, setAttempt] = useState<Attempt>({ kind: "none" });
  const { collision, theirs, current, remark } = meeting;
  const save = async (choices: Choices) => {
    setAttempt({ kind: "busy" });
    const decided = Object.keys(choices).length > 0 && { choices, ...(current !== undefined && { current }) };
    try {
      await client().conflicts.resolve(entry.id, { ...decided });
      say("Resolved");
      onSettled();
    } catch (error) {
      const kind = error instanceof ProblemError ? error.problem.kind : "";
      if (kind === "conflict-settled") return onSettled();
      setAttempt(kind === "stale-version" ? { kind: "overtaken" } : { kind: "failed", error });
      if (kind === "stale-version") onOvertaken();
    }
  };
  return (
    <MergeView
      collision={collision}
      sides={{
        original: { ...(entry.baseVersion !== null && { version: entry.baseVersion }) },
        theirs,
        yours: { who: entry.by, at: entry.at },
      }}
      crumbs={crumbs}
      notice={
        <>
          {remark !== undefined && <p class="notice warn">{remark}</p>}
          {attempt.kind === "overtaken" && (
            <p class="notice warn" role="alert">
              Somebody saved in the meantime. What was chosen on values that changed is open again; the rest is kept.
            </p>
          )}
          {attempt.kind === "failed" && <Failure error={attempt.error} />}
        </>
      }
      isSaving={attempt.kind === "busy"}
      onSave={(choices) => void save(choices)}
      onCancel={onCancel}
    />
  );
}

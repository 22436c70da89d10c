import { ProblemError, type Choices, type LogEntryWhole } from "detente-client";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Failure } from "../parts/failure";
import { say } from "../parts/live-region";
import { useLoad } from "../parts/load";
import { client } from "../session/session";
import { ChoiceList } from "./choice-list";
import { CopyCurl } from "./copy-curl";
import { questionOf, standing, type Question } from "./decision";
import { Replays } from "./replays";

interface ResolveProps {
  readonly entry: LogEntryWhole;
  readonly onSettled: () => void;
}

/** Stores the refused edit after all, once every place that collides now has a choice. */
export function Resolve({ entry, onSettled }: ResolveProps) {
  const { loaded, reload } = useLoad((signal) => questionOf(entry, signal), [entry.id]);
  if (loaded.state === "loading") return <p class="muted">Comparing with what is stored now …</p>;
  if (loaded.state === "failed") return <Failure error={loaded.error} onRetry={reload} />;
  if (!loaded.value.isPossible) return <p>{loaded.value.remark}</p>;
  return <Form entry={entry} question={loaded.value} onOvertaken={reload} onSettled={onSettled} />;
}

interface FormProps extends ResolveProps {
  readonly question: Question;
  readonly onOvertaken: () => void;
}

function Form({ entry, question, onOvertaken, onSettled }: FormProps) {
  const { conflicts } = question;
  const [choices, setChoices] = useChoices(question);
  const { state, save } = useSave(entry, question, choices, onOvertaken, onSettled);
  const left = conflicts.filter(({ path }) => choices[path] === undefined).length;
  return (
    <form class="stack" onSubmit={save}>
      <p>{question.remark}</p>
      {state.kind === "overtaken" && (
        <p class="notice warn" role="alert">
          Somebody saved in the meantime. What was chosen on values that changed is open again; the rest is kept.
        </p>
      )}
      <ChoiceList conflicts={conflicts} by={entry.by} choices={choices} onChoose={setChoices} />
      {question.replay && conflicts.length > 0 && <Replays entry={entry} question={question} onUse={setChoices} />}
      {state.kind === "failed" && <Failure error={state.error} />}
      <div class="actions">
        <Button kind="main" type="submit" disabled={left > 0 || state.kind === "busy"} busy={state.kind === "busy"}>
          Resolve
        </Button>
        <span class="muted">{left > 0 ? `${left} of ${conflicts.length} to decide` : "Everything is decided"}</span>
      </div>
      <CopyCurl entry={entry} question={question} choices={choices} />
    </form>
  );
}

/** What is chosen. When there is another question, the choices that it leaves untouched are kept. */
function useChoices(question: Question) {
  const [choices, setChoices] = useState<Choices>({});
  const asked = useRef(question);
  useEffect(() => {
    setChoices((before) => standing(before, asked.current.conflicts, question.conflicts));
    asked.current = question;
  }, [question]);
  return [choices, setChoices] as const;
}

type SaveState = { readonly kind: "idle" | "busy" | "overtaken" } | { readonly kind: "failed"; readonly error: unknown };

function useSave(entry: LogEntryWhole, { current }: Question, choices: Choices, onOvertaken: () => void, onSettled: () => void) {
  const [state, setState] = useState<SaveState>({ kind: "idle" });
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    setState({ kind: "busy" });
    const decided = Object.keys(choices).length > 0 && { choices, ...(current !== undefined && { current }) };
    try {
      await client().conflicts.resolve(entry.id, { ...decided });
      say("Resolved");
      onSettled();
    } catch (error) {
      const kind = error instanceof ProblemError ? error.problem.kind : "";
      if (kind === "conflict-settled") return onSettled();
      if (kind !== "stale-version") return setState({ kind: "failed", error });
      setState({ kind: "overtaken" });
      onOvertaken();
    }
  };
  return { state, save };
}

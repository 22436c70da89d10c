import { ProblemError, type Choice, type Choices, type FieldConflict, type LogEntryWhole } from "detente-client";
import { canReplay, replay, type Replay } from "./replay";
import { countWords } from "./words";

/** What there is to decide about an entry now. */
export interface Question {
  /** How the edit stands to what is stored now, in words. */
  readonly remark: string;
  /** Whether it can be stored at all. */
  readonly isPossible: boolean;
  readonly conflicts: readonly FieldConflict[];
  /** What a choice is made on; absent if there is no document. */
  readonly current: string | number | undefined;
  /** What would be stored without any choice; absent if the server cannot say. */
  readonly replay?: Replay;
}

/** Asks what collides with what is stored now, which may be more or less than at the time of the refusal. */
export async function questionOf(entry: LogEntryWhole, signal: AbortSignal): Promise<Question> {
  if (!canReplay(entry)) return wholeQuestion(entry);
  try {
    const now = await replay(entry, {}, undefined, signal);
    const count = now.conflicts.length;
    const remark = count === 0 ? "Nothing collides with what is stored now: the edit can be merged as it is." : collideWords(count);
    return { remark, isPossible: true, conflicts: now.conflicts, current: now.currentEtag, replay: now };
  } catch (error) {
    if (error instanceof ProblemError && error.problem.kind === "deleted") return questionOfDeleted(entry);
    throw error;
  }
}

function collideWords(count: number): string {
  return `${countWords(count, "place collides", "places collide")} with what is stored now.`;
}

/** An edit that the server can only take or leave as a whole. */
function wholeQuestion({ base, current, currentVersion, edit }: LogEntryWhole): Question {
  if (edit.document === undefined && edit.deletion === undefined) {
    return impossible("It changes a document, and the version that it was made for is not known. Make it anew, and dismiss this one.");
  }
  const whole: FieldConflict = {
    path: "",
    kind: edit.deletion ? "edit-delete" : "edit-edit",
    strategy: "manual",
    ...(base !== undefined && { base }),
    ...(edit.document !== undefined && { yours: edit.document }),
    ...(current !== undefined && { current }),
  };
  return { remark: collideWords(1), isPossible: true, conflicts: [whole], current: currentVersion ?? undefined };
}

function questionOfDeleted({ edit }: LogEntryWhole): Question {
  if (edit.document === undefined) return impossible("The document was deleted since. An edit of a part of it can only be dismissed.");
  return { remark: "The document was deleted since. To resolve creates it again.", isPossible: true, conflicts: [], current: undefined };
}

function impossible(remark: string): Question {
  return { remark, isPossible: false, conflicts: [], current: undefined };
}

/** The choices that still stand: those of places where the same three values are to be decided on. */
export function standing(choices: Choices, before: readonly FieldConflict[], now: readonly FieldConflict[]): Choices {
  const isSame = (path: string) => inputs(before, path) === inputs(now, path);
  return Object.fromEntries(Object.entries(choices).filter(([path]) => isSame(path)));
}

function inputs(conflicts: readonly FieldConflict[], path: string): string {
  const { base, yours, current } = conflicts.find((conflict) => conflict.path === path) ?? {};
  return JSON.stringify([base, yours, current]);
}

export function allAs(choice: Choice, conflicts: readonly FieldConflict[]): Choices {
  return Object.fromEntries(conflicts.map(({ path }) => [path, choice]));
}

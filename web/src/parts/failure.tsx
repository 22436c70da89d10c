import { ProblemError, TransportError } from "detente-client";
import { askToken } from "../session/session";
import { Button } from "./button";

/** Why something could not be shown or done, and what one can do about it. */
export function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const { title, detail } = wordsOf(error);
  const isUnknown = error instanceof ProblemError && error.problem.status === 401;
  return (
    <div class="notice bad" role="group" aria-label="What went wrong">
      <p>
        <strong>{title}</strong>
      </p>
      <p>
        <bdi>{detail}</bdi>
      </p>
      <div class="actions">
        {isUnknown && <EnterToken onEntered={onRetry} />}
        {onRetry && !isUnknown && <Button onClick={onRetry}>Try again</Button>}
      </div>
    </div>
  );
}

export function EnterToken({ onEntered }: { readonly onEntered?: (() => void) | undefined }) {
  const enter = async () => {
    if ((await askToken()) !== undefined) onEntered?.();
  };
  return (
    <Button kind="main" onClick={enter}>
      Enter a token
    </Button>
  );
}

/** Whether somebody may not read what they asked for. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.status === 403 && error.problem.body["action"] === "read";
}

export function wordsOf(error: unknown): { readonly title: string; readonly detail: string } {
  if (error instanceof ProblemError) {
    const { title, detail } = error.problem;
    return { title: isUnreadable(error) ? "You may not read this" : title, detail };
  }
  if (error instanceof TransportError) {
    return {
      title: "The server does not answer",
      detail: error.uncertain
        ? "It may have saved this all the same. Nothing of yours is lost; look before you save again."
        : "Nothing was changed.",
    };
  }
  return { title: "Something went wrong on this page", detail: error instanceof Error ? error.message : String(error) };
}

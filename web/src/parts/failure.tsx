import { ProblemError, TransportError } from "detente-client";
import { askToken } from "../session/session";
import { Button } from "./button";

/** Why something could not be shown or done, and what one can do about it. */
export function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const { title, detail } = wordsOf(error);
  const isUnknown = error instanceof ProblemError && error.problem.status === 401;
  const enter = async () => {
    if ((await askToken()) !== undefined) onRetry?.();
  };
  return (
    <div class="notice bad" role="group" aria-label="What went wrong">
      <p>
        <strong>{title}</strong>
      </p>
      <p>
        <bdi>{detail}</bdi>
      </p>
      <div class="actions">
        {isUnknown && (
          <Button kind="main" onClick={enter}>
            Enter a token
          </Button>
        )}
        {onRetry && !isUnknown && <Button onClick={onRetry}>Try again</Button>}
      </div>
    </div>
  );
}

export function wordsOf(error: unknown): { readonly title: string; readonly detail: string } {
  if (error instanceof ProblemError) {
    const { title, detail, status } = error.problem;
    if (status === 403) return { title: "Your token does not allow this", detail };
    return { title, detail };
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

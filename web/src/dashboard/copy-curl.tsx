import type { Choices, LogEntryWhole } from "detente-client";
import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { say } from "../parts/live-region";
import { actor, hasToken } from "../session/session";
import { curlOf } from "./curl";
import { allAs, type Question } from "./decision";
import { entryUrl } from "./replay";

interface CopyCurlProps {
  readonly entry: LogEntryWhole;
  readonly question: Question;
  readonly choices: Choices;
}

/** The resolution as a line for a shell. It is shown too: a page without TLS may not write to the clipboard. */
export function CopyCurl({ entry, question, choices }: CopyCurlProps) {
  const [isCopied, setCopied] = useState(false);
  const decided = { ...allAs("yours", question.conflicts), ...choices };
  const resolution = { url: entryUrl(entry.id), choices: decided, current: question.current };
  const line = curlOf(resolution, { hasToken: hasToken.value, actor: actor.value });
  const copy = async () => {
    await navigator.clipboard?.writeText(line);
    setCopied(true);
    say("Copied");
  };
  return (
    <details class="curl">
      <summary>As a line of curl</summary>
      <p class="muted">It resolves with your choices; what has none is taken from {entry.by}.</p>
      <pre class="json" tabIndex={0} aria-label="Line of curl">{line}</pre>
      <Button onClick={copy}>{isCopied ? "Copied" : "Copy as curl"}</Button>
    </details>
  );
}

import type { Choices, LogEntryWhole } from "detente-client";
import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { say } from "../parts/live-region";
import { apiUrl } from "../session/api";
import { actor, hasToken } from "../session/session";
import { curlOf } from "./curl";

interface CopyCurlProps {
  readonly entry: LogEntryWhole;
  readonly choices: Choices;
  readonly current: string | number | undefined;
}

/** A resolution as a line for a shell. It is shown too: a page without TLS may not write to the clipboard. */
export function CopyCurl({ entry, choices, current }: CopyCurlProps) {
  const [isCopied, setCopied] = useState(false);
  const resolution = { url: apiUrl(["_conflicts", entry.id]), choices, current };
  const line = curlOf(resolution, { hasToken: hasToken.value, actor: actor.value });
  const copy = async () => {
    await navigator.clipboard.writeText(line);
    setCopied(true);
    say("Copied");
  };
  return (
    <details class="curl">
      <summary>To store it, as a line of curl</summary>
      <pre class="json" tabIndex={0} aria-label="Line of curl">
        {line}
      </pre>
      {window.isSecureContext && <Button onClick={() => void copy()}>{isCopied ? "Copied" : "Copy as curl"}</Button>}
    </details>
  );
}

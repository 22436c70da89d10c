import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { wordsOf } from "../parts/failure";
import { say } from "../parts/live-region";
import { hasToken } from "../session/session";
import { contentOf } from "./content";
import { nameOf, versionUrl, type Entry } from "./entry";

interface DownloadProps {
  readonly path: string;
  readonly entry: Entry;
}

/** A link; or, where a browser would have to send a token with it, a button. */
export function Download({ path, entry: { version } }: DownloadProps) {
  const [isBusy, setBusy] = useState(false);
  const name = nameOf(path);
  if (!hasToken.value) {
    return (
      <a class="button main" href={versionUrl(path, version)} download={name}>
        Download
      </a>
    );
  }
  const fetchAndSave = async () => {
    setBusy(true);
    try {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await contentOf(path, version));
      link.download = name;
      link.click();
      // Not at once: the browser has to take it first.
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (error) {
      say(wordsOf(error).detail);
    }
    setBusy(false);
  };
  return (
    <Button kind="main" busy={isBusy} disabled={isBusy} onClick={() => void fetchAndSave()}>
      Download
    </Button>
  );
}

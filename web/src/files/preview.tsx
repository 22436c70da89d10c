import { useState } from "preact/hooks";
import { Failure } from "../parts/failure";
import { useLoad } from "../parts/load";
import { hasToken } from "../session/session";
import { beginningOf, contentOf, textOf } from "./content";
import { nameOf, sizeInWords, versionUrl, type Entry } from "./entry";

const textBytes = 64 * 1024;
const imageBytes = 32 * 1024 * 1024;

interface PreviewProps {
  readonly path: string;
  readonly entry: Entry;
}

/** What is in a file, if it is an image or a text. Nothing of it does anything here. */
export function Preview({ path, entry }: PreviewProps) {
  if (entry.size === 0) return <p class="empty card">The file is empty.</p>;
  if (entry.type.startsWith("image/") && entry.size <= imageBytes) return <ImagePreview path={path} entry={entry} />;
  return <TextPreview path={path} entry={entry} />;
}

function ImagePreview({ path, entry }: PreviewProps) {
  const [isWrong, setWrong] = useState(false);
  // A browser sends no token for an image.
  const { loaded } = useLoad(async (signal) => {
    const url = versionUrl(path, entry.version);
    return hasToken.peek() ? dataUrl(await contentOf(path, entry.version, signal)) : url;
  }, []);
  if (isWrong) return <NoPreview />;
  if (loaded.state === "failed") return <Failure error={loaded.error} />;
  if (loaded.state === "loading") return <p class="muted">Reading …</p>;
  return (
    <div class="card preview">
      <img src={loaded.value} alt={nameOf(path)} onError={() => setWrong(true)} />
    </div>
  );
}

function dataUrl(content: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(content);
  });
}

function TextPreview({ path, entry }: PreviewProps) {
  const isCut = entry.size > textBytes;
  const { loaded } = useLoad(async (signal) => textOf(await beginningOf(path, entry.version, textBytes, signal), isCut), []);
  if (loaded.state === "failed") return <Failure error={loaded.error} />;
  if (loaded.state === "loading") return <p class="muted">Reading …</p>;
  if (loaded.value === undefined) return <NoPreview />;
  return (
    <>
      <pre class="card preview" tabIndex={0} role="region" aria-label="What is in the file">
        {loaded.value}
      </pre>
      {isCut && (
        <p class="muted">
          The first {sizeInWords(textBytes)} of {sizeInWords(entry.size)}. Download it to see all.
        </p>
      )}
    </>
  );
}

function NoPreview() {
  return <p class="empty card muted">Files of this kind are not shown here. Download it to open it.</p>;
}

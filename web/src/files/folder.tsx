import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ProblemError } from "detente-client";
import { sortedBy } from "../collection/question";
import { More } from "../dashboard/more";
import { Button } from "../parts/button";
import { Failure } from "../parts/failure";
import { say } from "../parts/live-region";
import { Page } from "../parts/page";
import { useThrottled } from "../parts/throttled";
import { query, setQuery } from "../place";
import { crumbsOf } from "./crumbs";
import { nameOf } from "./entry";
import { FilePicker } from "./file-picker";
import { FolderTable } from "./folder-table";
import { Listing } from "./listing";
import { useLookOften } from "./look-often";
import { NewFolder } from "./new-folder";
import { filesOf, uploadInto } from "./queue";
import { Removal } from "./removal";
import { lastStored } from "./upload";

const reloadMs = 500;

/** What is in a folder. */
export function Folder({ path }: { readonly path: string }) {
  const listing = useMemo(() => new Listing(path), []);
  useEffect(() => () => listing.close(), []);
  useLookOften(() => void listing.look());
  const own = lastStored.value;
  const seen = useRef(own);
  const reload = useThrottled(() => void listing.reload(), reloadMs);
  useEffect(() => {
    if (own !== seen.current && own?.path.startsWith(path)) reload();
  }, [own]);
  const [asks, setAsks] = useState<"folder" | "removal">();
  const error = listing.error.value;
  const entries = listing.entries.value;
  const sort = (query.value.get("sort") ?? "").split(",").filter(Boolean);
  const close = () => setAsks(undefined);
  // There are none, or this folder is gone.
  const isOff = error instanceof ProblemError && [404, 410].includes(error.problem.status);
  return (
    <Page
      title={nameOf(path) || "Files"}
      crumbs={crumbsOf(path)}
      actions={
        !isOff && (
          <>
            {path !== "" && listing.etag !== "" && (
              <Button kind="danger" aria-haspopup="dialog" onClick={() => setAsks("removal")}>
                Delete
              </Button>
            )}
            <Button aria-haspopup="dialog" onClick={() => setAsks("folder")}>
              New folder
            </Button>
            <FilePicker
              label="Upload files"
              kind="main"
              multiple
              onFiles={(files) => uploadInto(path, files.map((file) => ({ path: file.name, file })))}
            />
          </>
        )
      }
    >
      <DropPlace path={path}>
        <Changed listing={listing} />
        {error !== undefined && <Failure error={error} onRetry={() => void listing.reload()} />}
        {entries.length > 0 ? (
          <FolderTable
            path={path}
            entries={entries}
            sort={sort}
            onSort={(place, adds) => {
              const next = sortedBy(sort, place, adds).join(",");
              setQuery(new URLSearchParams(next && { sort: next }));
            }}
          />
        ) : (
          error === undefined && <p class="empty card">{listing.isRead.value ? "Nothing is in this folder. Drop files here, or upload them." : "Reading …"}</p>
        )}
        {entries.length > 0 && !listing.isComplete.value && error === undefined && (
          <More isLoading={listing.isLoading.value} onMore={() => void listing.more()} />
        )}
      </DropPlace>
      {asks === "folder" && <NewFolder path={path} onMade={() => void listing.reload()} onClose={close} />}
      {asks === "removal" && <Removal path={path} of={{ kind: "folder", etag: listing.etag }} onRefused={() => void listing.look()} onClose={close} />}
    </Page>
  );
}

interface DropPlaceProps {
  readonly path: string;
  readonly children: preact.ComponentChildren;
}

/** Takes what is dropped, wherever in the window: a browser would leave the page for it. */
function DropPlace({ path, children }: DropPlaceProps) {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const drag = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(event.type === "dragover");
      if (event.type === "drop") void filesOf(event.dataTransfer).then((files) => uploadInto(path, files));
    };
    const kinds = ["dragover", "dragleave", "drop"] as const;
    for (const kind of kinds) addEventListener(kind, drag);
    return () => kinds.forEach((kind) => removeEventListener(kind, drag));
  }, []);
  return <div class={`stack drop-place${isOver ? " over" : ""}`}>{children}</div>;
}

/** What is new waits here, so that nothing moves under the eyes of who reads. */
function Changed({ listing }: { readonly listing: Listing }) {
  const isOld = listing.isOld.value;
  const words = "Somebody changed something in this folder";
  useEffect(() => {
    if (isOld) say(words);
  }, [isOld]);
  if (!isOld) return null;
  return (
    <p class="arrived">
      {words} –{" "}
      <button type="button" class="link" onClick={() => void listing.reload()}>
        show
      </button>
    </p>
  );
}

import { useLoad } from "../parts/load";
import { Failure } from "../parts/failure";
import { Page } from "../parts/page";
import { crumbsOf } from "./crumbs";
import { nameOf, newestVersion } from "./entry";
import { File } from "./file";
import { Folder } from "./folder";

/** What is at a path: a folder, a file, one that was deleted, or nothing. */
export function Files({ path }: { readonly path: string }) {
  const { loaded, reload } = useLoad(async (signal) => (path === "" ? "root" : newestVersion(path, signal)), []);
  if (loaded.state === "ready" && loaded.value) {
    const newest = loaded.value;
    if (newest === "root" || newest.kind === "folder") return <Folder path={path} />;
    return <File path={path} newest={newest} onChanged={reload} />;
  }
  return (
    <Page title={nameOf(path) || "Files"} crumbs={crumbsOf(path)}>
      {loaded.state === "loading" && <p class="muted">Reading …</p>}
      {loaded.state === "failed" && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === "ready" && (
        <p class="empty card">
          <strong>There is no file or folder at this path, and there never was.</strong>
        </p>
      )}
    </Page>
  );
}

import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Failure, isUnreadable } from "../parts/failure";
import { useFeed } from "../parts/feed";
import { useLoad } from "../parts/load";
import { Page } from "../parts/page";
import { useThrottled } from "../parts/throttled";
import { client } from "../session/session";
import { CollectionList } from "./collection-list";
import { CreateDialog } from "./create-dialog";
import { OpenConflicts } from "./open-conflicts";
import { TopFiles } from "./top-files";

const reloadMs = 1000;

/** All collections, and what is in conflict now. */
export function Home() {
  const { loaded, reload } = useLoad((signal) => client().collections({ signal }), []);
  const [isCreating, setCreating] = useState(false);
  const [round, setRound] = useState(0);
  const refresh = useThrottled(() => {
    reload();
    setRound((before) => before + 1);
  }, reloadMs);
  useFeed((options) => client().changes(options), refresh, []);
  const collections = loaded.state === "ready" ? loaded.value : [];
  return (
    <Page
      title="Collections"
      actions={
        <Button kind="main" aria-haspopup="dialog" onClick={() => setCreating(true)}>
          New document
        </Button>
      }
    >
      <div class="home">
        <div class="home-main">
          {loaded.state === "loading" && <p class="muted">Reading …</p>}
          {loaded.state === "failed" && (
            <>
              <Failure error={loaded.error} onRetry={reload} />
              {isUnreadable(loaded.error) && <p>If your token is for another space, choose that above. If you may write, you can create documents.</p>}
            </>
          )}
          {loaded.state === "ready" && <CollectionList collections={collections} onCreate={() => setCreating(true)} />}
        </div>
        <div class="home-side">
          <OpenConflicts round={round} />
          <TopFiles />
        </div>
      </div>
      {isCreating && <CreateDialog collections={collections.map(({ name }) => name)} onClose={() => setCreating(false)} />}
    </Page>
  );
}

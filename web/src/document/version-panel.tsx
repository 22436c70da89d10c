import { Button } from "../parts/button";
import { Time } from "../parts/time";
import { author, capital } from "../session/author";
import type { Edit } from "./edit";

/** Which version is edited here, and who saved what last. */
export function VersionPanel({ edit, onHistory }: { readonly edit: Edit; readonly onHistory: () => void }) {
  const base = edit.base.value;
  const head = edit.head.value;
  const isStale = edit.isStale.value;
  const baseAuthor = author({ updatedBy: base.updatedBy, doc: base });
  return (
    <section class="panel" aria-labelledby="version-heading">
      <h2 id="version-heading">Version {base.version}</h2>
      <p>
        Saved <Time at={base.updatedAt} /> by <bdi>{baseAuthor}</bdi>
      </p>
      {isStale && head && (
        <p>
          {head.doc ? "The newest is " : "Deleted as "}
          <strong>version {head.version}</strong>, <Time at={head.updatedAt} /> by <bdi>{capital(author(head))}</bdi>
        </p>
      )}
      <Button aria-haspopup="dialog" onClick={onHistory}>
        All versions
      </Button>
    </section>
  );
}

import { useEffect, useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Changes } from "../parts/changes";
import { Dialog } from "../parts/dialog";
import { say } from "../parts/live-region";
import { inWords } from "../parts/pointer";
import { Time } from "../parts/time";
import { author, capital } from "../session/author";
import type { Edit } from "./edit";

interface BannerProps {
  readonly edit: Edit;
  /** Opens the merge view. */
  readonly onDecide: () => void;
}

/** Says that somebody saved since the edit began. It moves nothing and takes no focus. */
export function Banner({ edit, onDecide }: BannerProps) {
  const [isOpen, setOpen] = useState(false);
  const [collisions, setCollisions] = useState<{ version: number; count: number }>();
  const [isUpdating, setUpdating] = useState(false);
  const head = edit.head.value;
  const theirs = edit.form.marks.value.theirs;
  const isShown = edit.isStale.value && edit.isTouched.value && head?.doc !== undefined && head.version > edit.laterThan.value;
  const version = isShown ? head.version : 0;
  const sentence = isShown ? `${capital(author(head))} saved version ${head.version} since you started editing${places(theirs)}.` : "";
  useEffect(() => {
    if (version > 0) say(`${sentence} Your text is safe.`);
  }, [version]);
  if (!isShown) return null;
  const update = async () => {
    setUpdating(true);
    try {
      const preview = await edit.update();
      if (preview.kind === "conflict") setCollisions({ version: head.version, count: preview.conflict.fields.length });
      else say("Your draft has their changes now.");
    } finally {
      setUpdating(false);
    }
  };
  return (
    <div class="notice banner" role="group" aria-label="Somebody saved meanwhile">
      <p>
        <strong>
          <bdi>{sentence}</bdi>
        </strong>{" "}
        Your text is safe.
      </p>
      {collisions?.version === head.version ? (
        <>
          <p>
            {collisions.count === 1 ? "One change meets" : `${collisions.count} changes meet`} yours in the same place. Your draft is as it was.
          </p>
          <div class="actions">
            <Button kind="main" onClick={onDecide}>
              Decide now
            </Button>
            <Button onClick={() => (edit.laterThan.value = head.version)}>Later</Button>
          </div>
        </>
      ) : (
        <div class="actions">
          <Button onClick={() => setOpen(true)}>See what changed</Button>
          <Button busy={isUpdating} disabled={edit.raw.value !== undefined} onClick={() => void update()}>
            Update my draft
          </Button>
          <Button kind="quiet" onClick={() => (edit.laterThan.value = head.version)}>
            Later
          </Button>
        </div>
      )}
      {isOpen && <WhatChanged edit={edit} onClose={() => setOpen(false)} />}
    </div>
  );
}

function places(paths: readonly string[]): string {
  if (paths.length === 0) return "";
  const shown = paths.slice(0, 4).map(inWords).join(", ");
  return ` (${shown}${paths.length > 4 ? ` and ${paths.length - 4} more` : ""})`;
}

function WhatChanged({ edit, onClose }: { readonly edit: Edit; readonly onClose: () => void }) {
  const head = edit.head.value;
  const { yours, theirs } = edit.form.marks.value;
  return (
    <Dialog title="What changed since you started" shape="side" onClose={onClose}>
      <p class="muted">
        From version {edit.base.value.version} to version {head?.version}, saved <Time at={head?.updatedAt} /> by{" "}
        <bdi>{head && author(head)}</bdi>.
      </p>
      <Changes before={edit.base.value.value} after={head?.doc?.value} places={theirs} shared={yours} />
    </Dialog>
  );
}

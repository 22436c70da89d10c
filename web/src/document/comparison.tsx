import type { Row } from "detente-client";
import { Button } from "../parts/button";
import { Changes } from "../parts/changes";
import { Time } from "../parts/time";
import { author } from "../session/author";
import { differingPlaces } from "./places";

/** What differs between two versions, word by word. */
export function Comparison({ older, newer, onBack }: { readonly older: Row; readonly newer: Row; readonly onBack: () => void }) {
  const [before, after] = [older.doc?.value, newer.doc?.value];
  const places = differingPlaces(before, after);
  return (
    <>
      <div>
        <Button kind="quiet" onClick={onBack}>
          ← All versions
        </Button>
      </div>
      <p>
        From version {older.version} (<bdi>{author(older)}</bdi>, <Time at={older.updatedAt} />) to version {newer.version} (
        <bdi>{author(newer)}</bdi>, <Time at={newer.updatedAt} />)
      </p>
      {places.length === 0 && <p>They hold the same.</p>}
      <Changes before={before} after={after} places={places} />
    </>
  );
}

import { useState } from "preact/hooks";
import type { CollectionInfo } from "detente-client";
import { Button } from "../parts/button";
import { TextField } from "../parts/text-field";
import { Time } from "../parts/time";
import { href } from "../place";

interface CollectionListProps {
  readonly collections: readonly CollectionInfo[];
  readonly onCreate: () => void;
}

/** The collections, found by a part of their names. */
export function CollectionList({ collections, onCreate }: CollectionListProps) {
  const [sought, setSought] = useState("");
  const matching = collections.filter(({ name }) => name.toLowerCase().includes(sought.trim().toLowerCase()));
  if (collections.length === 0) {
    return (
      <div class="empty card">
        <p>
          <strong>Nothing is stored here yet.</strong>
        </p>
        <p class="muted">A collection is there as soon as a document is.</p>
        <div class="actions">
          <Button onClick={onCreate}>Create the first document</Button>
        </div>
      </div>
    );
  }
  return (
    <>
      <TextField class="search" label="Find a collection" type="search" value={sought} onInput={(event) => setSought(event.currentTarget.value)} />
      <div class="card scroll">
        <table class="table">
          <caption class="unseen">Collections</caption>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" class="amount">
                Documents
              </th>
              <th scope="col">Last change</th>
            </tr>
          </thead>
          <tbody>
            {matching.map(({ name, documents, changedAt }) => (
              <tr key={name}>
                <th scope="row">
                  <a href={href({ at: "collection", collection: name })}>{name}</a>
                </th>
                <td class="amount">{documents?.toLocaleString() ?? <span class="muted">not counted</span>}</td>
                <td>{changedAt ? <Time at={changedAt} /> : documents !== null && <span class="muted">never</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {matching.length === 0 && <p class="empty">No collection has “{sought}” in its name.</p>}
      </div>
    </>
  );
}

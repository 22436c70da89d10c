import type { LogEntry } from "detente-client";
import { inWords } from "../parts/pointer";
import { Time } from "../parts/time";
import { href } from "../place";
import { kindWords } from "./words";

interface LogTableProps {
  readonly entries: readonly LogEntry[];
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
}

export function LogTable({ entries, chosen, onChoose }: LogTableProps) {
  const open = entries.filter(({ outcome }) => outcome === "open").map(({ id }) => id);
  const areAllChosen = open.length > 0 && open.every((id) => chosen.has(id));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChoose(next);
  };
  return (
    <div class="scroller" role="region" aria-label="Refused writes" tabIndex={0}>
      <table class="log-table">
        <thead>
          <tr>
            <th scope="col">
              <input
                type="checkbox"
                aria-label="Choose all open ones that are shown"
                checked={areAllChosen}
                disabled={open.length === 0}
                onChange={() => onChoose(new Set(areAllChosen ? [] : open))}
              />
            </th>
            <th scope="col">When</th>
            <th scope="col">Document</th>
            <th scope="col">Who</th>
            <th scope="col">Why</th>
            <th scope="col">Outcome</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <Row key={entry.id} entry={entry} isChosen={chosen.has(entry.id)} onToggle={() => toggle(entry.id)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  readonly entry: LogEntry;
  readonly isChosen: boolean;
  readonly onToggle: () => void;
}

function Row({ entry, isChosen, onToggle }: RowProps) {
  const { id, at, by, collection, document, kind, paths, outcome, settledReason } = entry;
  return (
    <tr>
      <td>
        {outcome === "open" && (
          <input type="checkbox" aria-label={`Choose ${by}'s edit of ${document}`} checked={isChosen} onChange={onToggle} />
        )}
      </td>
      <td>
        <a href={href({ at: "entry", entry: id })}>
          <Time at={at} />
        </a>
      </td>
      <td>
        <a href={href({ at: "document", collection, id: document })}>
          <bdi>{`${collection}/${document}`}</bdi>
        </a>
      </td>
      <td>
        <bdi>{by}</bdi>
      </td>
      <td>
        {kindWords(kind)}
        {paths.length > 0 && <div class="muted"><bdi>{paths.map(inWords).join(", ")}</bdi></div>}
      </td>
      <td>
        <Outcome entry={entry} />
        {settledReason && <div class="muted reason"><bdi>{settledReason}</bdi></div>}
      </td>
    </tr>
  );
}

/** "resolved by carol" */
export function Outcome({ entry }: { readonly entry: LogEntry }) {
  const { outcome, settledBy } = entry;
  return (
    <span class={`outcome ${outcome}`}>
      {outcome}
      {settledBy !== undefined && <> by <bdi>{settledBy}</bdi></>}
    </span>
  );
}

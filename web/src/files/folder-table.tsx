import { HeaderCell } from "../collection/header-cell";
import { Time } from "../parts/time";
import { href } from "../place";
import { sizeInWords, whoSaved, within, type Entry } from "./entry";

interface FolderTableProps {
  readonly path: string;
  readonly entries: readonly Entry[];
  readonly sort: readonly string[];
  readonly onSort: (place: string, adds: boolean) => void;
}

const columns = [
  ["name", "Name"],
  ["size", "Size"],
  ["type", "Kind"],
  ["updatedAt", "Last change"],
] as const;

const words = new Intl.Collator(undefined, { numeric: true });

/** Folders first, and then files, in the order that somebody chose. */
export function FolderTable({ path, entries, sort, onSort }: FolderTableProps) {
  return (
    <div class="card scroll">
      <table class="table folder">
        <caption class="unseen">Files and folders</caption>
        <thead>
          <tr>
            {columns.map(([place, title]) => (
              <HeaderCell key={place} title={title} place={place} isNumber={place === "size"} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted(entries, sort).map((entry) => (
            <Row key={entry.name} path={within(path, entry.name)} entry={entry} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ path, entry }: { readonly path: string; readonly entry: Entry }) {
  const { name, kind, type, size, updatedAt } = entry;
  const isFolder = kind === "folder";
  return (
    <tr>
      <th scope="row">
        <a href={href({ at: "files", path })}>
          <bdi>{name}</bdi>
        </a>
        {isFolder && <span aria-hidden="true">/</span>}
      </th>
      <td class="amount">{!isFolder && sizeInWords(size)}</td>
      <td>{isFolder ? "folder" : <bdi>{type.split(";")[0]}</bdi>}</td>
      <td>
        <Time at={updatedAt} /> · <bdi>{whoSaved(entry)}</bdi>
      </td>
    </tr>
  );
}

function sorted(entries: readonly Entry[], sort: readonly string[]): Entry[] {
  const order = (a: Entry, b: Entry) => {
    if (a.kind !== b.kind) return a.kind === "folder" ? -1 : 1;
    for (const key of sort) {
      const place = key.replace(/^-/, "") as "name";
      const difference = place in a ? compared(a[place], b[place]) : 0;
      if (difference !== 0) return key === place ? difference : -difference;
    }
    return words.compare(a.name, b.name);
  };
  return [...entries].sort(order);
}

function compared(a: string | number, b: string | number): number {
  return typeof a === "number" ? a - Number(b) : words.compare(a, String(b));
}

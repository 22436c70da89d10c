import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Time } from "../parts/time";
import { href } from "../place";
import { author } from "../session/author";
import { placeOf, type Column } from "./columns";
import { HeaderCell } from "./header-cell";
import type { Row } from "./row";
import type { Rows } from "./rows";

const rowPixels = 37;
const spareRows = 12;

interface TableProps {
  readonly name: string;
  readonly rows: Rows;
  readonly columns: readonly Column[];
  readonly sort: readonly string[];
  readonly onSort: (place: string, adds: boolean) => void;
}

/** A table of any length, of which only the rows that can be seen are in the page. */
export function Table({ name, rows, columns, sort, onSort }: TableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ first: 0, count: 40 });
  const all = rows.rows.value;
  const look = () => {
    const box = scroller.current;
    if (!box) return;
    const first = Math.max(0, Math.floor(box.scrollTop / rowPixels) - spareRows);
    const count = Math.ceil(box.clientHeight / rowPixels) + 2 * spareRows;
    setSeen((before) => (before.first === first && before.count === count ? before : { first, count }));
  };
  useLayoutEffect(look, []);
  useEffect(() => {
    addEventListener("resize", look);
    return () => removeEventListener("resize", look);
  }, []);
  const last = Math.min(all.length, seen.first + seen.count);
  // A page ahead of what is seen, so that scrolling does not wait.
  useEffect(() => {
    if (last + 100 >= all.length && rows.error.peek() === undefined) void rows.more();
  }, [last, all.length]);
  const total = rows.total.value ?? (rows.isComplete.value ? all.length : -1);
  return (
    <div class="card rows" ref={scroller} onScroll={look} tabIndex={0} role="region" aria-label={`Documents of ${name}`}>
      <table class="table" aria-rowcount={total < 0 ? -1 : total + 1}>
        <caption class="unseen">Documents of {name}</caption>
        <thead>
          <tr aria-rowindex={1}>
            <HeaderCell title="Id" place="_id" sort={sort} onSort={onSort} />
            {columns.map((column) => (
              <HeaderCell key={column.name} title={column.title} place={placeOf(column.name)} isNumber={column.isNumber} sort={sort} onSort={onSort} />
            ))}
            <HeaderCell title="Version" place="_version" isNumber sort={sort} onSort={onSort} />
            <HeaderCell title="Last change" place="_updated_at" sort={sort} onSort={onSort} />
          </tr>
        </thead>
        <tbody>
          <Spacer rows={seen.first} columns={columns.length + 3} />
          {all.slice(seen.first, last).map((row, index) => (
            <TableRow key={row.id} row={row} place={seen.first + index + 2} collection={name} columns={columns} />
          ))}
          <Spacer rows={all.length - last} columns={columns.length + 3} />
        </tbody>
      </table>
    </div>
  );
}

/** Takes the room of rows that are not in the page. */
function Spacer({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  if (rows <= 0) return null;
  return (
    <tr aria-hidden="true" class="spacer">
      <td colSpan={columns} style={{ height: `${rows * rowPixels}px` }} />
    </tr>
  );
}

interface TableRowProps {
  readonly row: Row;
  readonly place: number;
  readonly collection: string;
  readonly columns: readonly Column[];
}

function TableRow({ row, place, collection, columns }: TableRowProps) {
  const { id, version, updatedAt, updatedBy, etag, cells, news } = row;
  return (
    <tr aria-rowindex={place} class={news}>
      <th scope="row">
        {news === "deleted" ? (
          <del>{id}</del>
        ) : (
          <a href={href({ at: "document", collection, id })}>
            <bdi>{id}</bdi>
          </a>
        )}
      </th>
      {columns.map(({ name, isNumber }) => (
        <td key={name} class={isNumber ? "amount" : undefined} title={(cells.get(name)?.length ?? 0) > 30 ? cells.get(name) : undefined}>
          <bdi>{cells.get(name)}</bdi>
        </td>
      ))}
      <td class="amount">{version}</td>
      <td>
        <Time at={updatedAt} /> · <bdi>{author({ updatedBy, doc: { etag } })}</bdi>
        {news && <span class="mark theirs">{news}</span>}
      </td>
    </tr>
  );
}

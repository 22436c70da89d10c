interface HeaderCellProps {
  readonly title: string;
  readonly place: string;
  readonly isNumber?: boolean;
  readonly sort: readonly string[];
  readonly onSort: (place: string, adds: boolean) => void;
}

/** The head of a column; a click sorts by it, with Shift behind what is sorted by already. */
export function HeaderCell({ title, place, isNumber = false, sort, onSort }: HeaderCellProps) {
  const index = sort.findIndex((key) => key.replace(/^-/, "") === place);
  const isDown = index >= 0 && sort[index]?.startsWith("-");
  const order = index < 0 ? "none" : isDown ? "descending" : "ascending";
  return (
    <th scope="col" class={isNumber ? "amount" : undefined} aria-sort={order}>
      <button type="button" class="sort" title="Click to sort, Shift and click to sort by several" onClick={(event) => onSort(place, event.shiftKey)}>
        <bdi>{title}</bdi>
        <span aria-hidden="true">
          {index < 0 ? "" : isDown ? " ↓" : " ↑"}
          {index >= 0 && sort.length > 1 ? index + 1 : ""}
        </span>
      </button>
    </th>
  );
}

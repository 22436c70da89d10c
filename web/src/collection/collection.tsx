import { useEffect, useMemo, useState } from "preact/hooks";
import { ProblemError } from "detente-client";
import { CreateDialog } from "../home/create-dialog";
import { Button } from "../parts/button";
import { Failure } from "../parts/failure";
import { useFeed } from "../parts/feed";
import { say } from "../parts/live-region";
import { useLoad } from "../parts/load";
import { Page } from "../parts/page";
import { href, query, setQuery } from "../place";
import { schemaOf } from "../session/schema";
import { client } from "../session/session";
import { columnsOf } from "./columns";
import { FilterBar } from "./filter-bar";
import { queryOf, questionOf, sortedBy } from "./question";
import { Rows, type Question } from "./rows";
import { Table } from "./table";

/** The documents of a collection, as they are now. */
export function Collection({ name }: { readonly name: string }) {
  const [isCreating, setCreating] = useState(false);
  const { loaded: schema } = useLoad(() => schemaOf(name), []);
  const asked = query.value.toString();
  const question = useMemo(() => questionOf(new URLSearchParams(asked)), [asked]);
  const rows = useMemo(() => new Rows(client().collection<unknown>(name), question), [question]);
  useEffect(() => () => rows.close(), [rows]);
  useFeed(
    (options) => client().collection<unknown>(name).watch(options),
    (change) => {
      if (change.kind === "change") rows.learn(change.row);
      else if (change.kind === "reset") rows.reload();
    },
    [name],
  );
  const all = rows.rows.value;
  const hasRows = all.length > 0;
  const columns = useMemo(
    () => columnsOf(schema.state === "ready" ? schema.value : undefined, rows.rows.peek()),
    [schema, hasRows, rows],
  );
  const ask = (next: Question) => setQuery(queryOf(next));
  const isFiltered = Object.keys(question.filters).length > 0;
  const error = rows.error.value;
  return (
    <Page
      title={name}
      crumbs={[{ href: href({ at: "home" }), text: "Collections" }]}
      actions={
        <>
          <Amount rows={rows} isFiltered={isFiltered} />
          <Button kind="main" aria-haspopup="dialog" onClick={() => setCreating(true)}>
            New document
          </Button>
        </>
      }
    >
      <FilterBar columns={columns} filters={question.filters} onFilters={(filters) => ask({ ...question, filters })} />
      <Arrived rows={rows} isFiltered={isFiltered} />
      {error !== undefined && <ListFailure error={error} question={question} onAsk={ask} onRetry={() => rows.reload()} />}
      {hasRows ? (
        <Table
          name={name}
          rows={rows}
          columns={columns}
          sort={question.sort}
          onSort={(place, adds) => ask({ ...question, sort: sortedBy(question.sort, place, adds) })}
        />
      ) : (
        error === undefined && (
          <p class="empty card">
            {rows.isLoading.value ? "Reading …" : isFiltered ? "No document meets these conditions." : "No documents yet."}
          </p>
        )
      )}
      {isCreating && <CreateDialog collections={[]} collection={name} onClose={() => setCreating(false)} />}
    </Page>
  );
}

function Amount({ rows, isFiltered }: { readonly rows: Rows; readonly isFiltered: boolean }) {
  const total = rows.total.value;
  const loaded = rows.rows.value.length;
  if (total === undefined && loaded === 0) return null;
  const amount = total ?? loaded;
  return (
    <span class="muted">
      {amount.toLocaleString()}
      {total === undefined ? "+" : ""} {amount === 1 ? "document" : "documents"}
      {isFiltered ? " found" : ""}
    </span>
  );
}

/** What is new waits here, so that nothing moves under the eyes of who reads. */
function Arrived({ rows, isFiltered }: { readonly rows: Rows; readonly isFiltered: boolean }) {
  const { size } = rows.arrived.value;
  const words = `${size} new ${size === 1 ? "document" : "documents"}${isFiltered ? ", perhaps not among these" : ""}`;
  useEffect(() => {
    if (size > 0) say(words);
  }, [size]);
  if (size === 0) return null;
  return (
    <p class="arrived">
      {words} –{" "}
      <button type="button" class="link" onClick={() => rows.reload()}>
        show
      </button>
    </p>
  );
}

interface ListFailureProps {
  readonly error: unknown;
  readonly question: Question;
  readonly onAsk: (question: Question) => void;
  readonly onRetry: () => void;
}

/** A question that the server does not understand can be asked in another way. */
function ListFailure({ error, question, onAsk, onRetry }: ListFailureProps) {
  const isQuestion = error instanceof ProblemError && error.problem.status === 400;
  if (!isQuestion) return <Failure error={error} onRetry={onRetry} />;
  const isOrder = error.problem.body["parameter"] === "sort";
  return (
    <div class="notice bad">
      <p>
        <strong>{isOrder ? "The server does not sort like this." : "The server does not understand this filter."}</strong>
      </p>
      <p>
        <bdi>{error.problem.detail}</bdi>
      </p>
      <div class="actions">
        {isOrder ? (
          <Button onClick={() => onAsk({ ...question, sort: question.sort.slice(0, question.sort.length > 1 ? 1 : 0) })}>
            {question.sort.length > 1 ? "Sort by the first column only" : "Sort by id"}
          </Button>
        ) : (
          <Button onClick={() => onAsk({ ...question, filters: {} })}>Remove all filters</Button>
        )}
      </div>
    </div>
  );
}

import { useEffect, useRef, useState } from "preact/hooks";
import type { Row } from "detente-client";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { Time } from "../parts/time";
import { query } from "../place";
import { author, capital } from "../session/author";
import { client } from "../session/session";
import type { Edit } from "./edit";
import { Comparison } from "./comparison";
import { differingPlaces, placesInWords } from "./places";
import { RestoreButton } from "./restore-button";

const pageRows = 20;

interface HistoryProps {
  readonly edit: Edit;
  readonly lockToken: string | undefined;
  readonly onClose: () => void;
}

/** Every version, and what differs between any two. */
export function History({ edit, lockToken, onClose }: HistoryProps) {
  const wanted = Number(query.peek().get("version") ?? 0);
  const { rows, isAll, error, more } = useHistory(edit, wanted);
  const [pair, setPair] = useState<readonly [number, number]>();
  const chosen = pair?.map((version) => rows.find((row) => row.version === version));
  const [older, newer] = chosen ?? [];
  return (
    <Dialog title="Versions" shape="side" onClose={onClose}>
      {older && newer ? (
        <Comparison older={older} newer={newer} onBack={() => setPair(undefined)} />
      ) : (
        <>
          <Choose rows={rows} onCompare={setPair} />
          <ol class="versions" reversed>
            {rows.map((row, index) => (
              <Version key={row.version} row={row} isWanted={row.version === wanted} before={rows[index + 1]} onCompare={setPair}>
                {row.doc && row.version !== edit.head.value?.version && (
                  <RestoreButton edit={edit} row={row} lockToken={lockToken} onRestored={onClose} />
                )}
              </Version>
            ))}
          </ol>
          {error !== undefined && <Failure error={error} />}
          {!isAll && rows.length > 0 && <Button onClick={more}>Show older versions</Button>}
          {rows.length === 0 && error === undefined && <p class="muted">Reading …</p>}
        </>
      )}
    </Dialog>
  );
}

/** Reads the history as far as somebody looks, and down to a version that is wanted. */
function useHistory({ of, head }: Edit, wanted: number) {
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [isAll, setAll] = useState(false);
  const [error, setError] = useState<unknown>();
  const source = useRef<AsyncGenerator<Row, void>>(undefined);
  const version = head.value?.version;
  const read = async () => {
    try {
      const found: Row[] = [];
      while (source.current && (found.length < pageRows || (found.at(-1)?.version ?? 0) > wanted && wanted > 0)) {
        const { value, done } = await source.current.next();
        if (done) {
          setAll(true);
          break;
        }
        found.push(value);
      }
      setRows((before) => [...before, ...found]);
    } catch (failed) {
      setError(failed);
    }
  };
  useEffect(() => {
    const abort = new AbortController();
    source.current = client().collection<unknown>(of.collection).history(of.id, { signal: abort.signal });
    setRows([]);
    setAll(false);
    void read();
    return () => abort.abort();
  }, [version]);
  return { rows, isAll, error, more: () => void read() };
}

interface ChooseProps {
  readonly rows: readonly Row[];
  readonly onCompare: (pair: readonly [number, number]) => void;
}

function Choose({ rows, onCompare }: ChooseProps) {
  const versions = rows.filter((row) => row.doc).map((row) => row.version);
  if (versions.length < 2) return null;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const pair = [Number(data.get("a")), Number(data.get("b"))] as const;
    onCompare([Math.min(...pair), Math.max(...pair)]);
  };
  return (
    <form class="choose" onSubmit={submit}>
      <label>
        Compare version
        <VersionSelect name="a" versions={versions} chosen={versions[1]} />
      </label>
      <label>
        with
        <VersionSelect name="b" versions={versions} chosen={versions[0]} />
      </label>
      <Button type="submit">Compare</Button>
    </form>
  );
}

function VersionSelect({ name, versions, chosen }: { name: string; versions: readonly number[]; chosen: number | undefined }) {
  return (
    <select name={name}>
      {versions.map((version) => (
        <option key={version} value={version} selected={version === chosen}>
          {version}
        </option>
      ))}
    </select>
  );
}

function show(element: HTMLLIElement | null): void {
  element?.scrollIntoView({ block: "nearest" });
}

interface VersionProps {
  readonly row: Row;
  /** Whether a link led here. */
  readonly isWanted: boolean;
  /** The version before this one, if it is known. */
  readonly before: Row | undefined;
  readonly onCompare: (pair: readonly [number, number]) => void;
  readonly children: preact.ComponentChildren;
}

function Version({ row, isWanted, before, onCompare, children }: VersionProps) {
  const { version, doc, merged } = row;
  return (
    <li value={version} class={isWanted ? "version wanted" : "version"} {...(isWanted && { ref: show })}>
      <div>
        <p>
          <strong>{version}</strong> · <bdi>{capital(author(row).replace(/^you,.*/, "you"))}</bdi> · <Time at={row.updatedAt} />
        </p>
        <p class="muted">
          {!doc && "deleted the document"}
          {doc && (before?.doc ? <bdi>{placesInWords(differingPlaces(before.doc.value, doc.value))}</bdi> : version === 1 || before ? "created" : "")}
          {merged && ` · merged from versions ${merged.baseVersion} and ${merged.ontoVersion}`}
        </p>
      </div>
      <div class="actions">
        {doc && before?.doc && (
          <Button kind="quiet" onClick={() => onCompare([before.version, version])}>
            Changes
          </Button>
        )}
        {children}
      </div>
    </li>
  );
}

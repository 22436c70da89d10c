import type { Stats } from "detente-client";
import type { ComponentChildren } from "preact";
import { inWords } from "../parts/pointer";
import { href } from "../place";
import { addressWith } from "./filters";

const shown = 8;

/** Which documents, members and people are in each other's way most. */
export function Hottest({ stats }: { readonly stats: Stats }) {
  if (stats.conflicts === 0) return null;
  const documents = stats.byDocument.map(({ document, count }) => ({ ...split(document), key: document, count }));
  const members = stats.byPath.map(({ path, count }) => ({ ...split(path), key: path, count }));
  return (
    <div class="hottest">
      <Ranking
        title="Documents"
        rows={documents.map(({ key, collection, rest, count }) => ({
          key,
          count,
          name: <a href={href({ at: "document", collection, id: rest })}><bdi>{key}</bdi></a>,
          log: addressWith({ collection, document: rest }),
        }))}
      />
      <Ranking
        title="Members"
        rows={members.map(({ key, collection, rest, count }) => ({
          key,
          count,
          name: <bdi>{`${collection}: ${inWords(rest && `/${rest}`)}`}</bdi>,
          log: addressWith({ collection }),
        }))}
      />
      <Ranking
        title="People and programs"
        rows={stats.byActor.map(({ by, count }) => ({ key: by, count, name: <bdi>{by}</bdi>, log: addressWith({ by }) }))}
      />
    </div>
  );
}

/** `notes/plan` is the document `plan` of `notes`; a collection's name has no slash. */
function split(name: string): { readonly collection: string; readonly rest: string } {
  const at = name.indexOf("/");
  return at < 0 ? { collection: name, rest: "" } : { collection: name.slice(0, at), rest: name.slice(at + 1) };
}

interface Row {
  readonly key: string;
  readonly name: ComponentChildren;
  readonly count: number;
  /** The log of what is counted. */
  readonly log: string;
}

function Ranking({ title, rows }: { readonly title: string; readonly rows: readonly Row[] }) {
  const most = Math.max(1, ...rows.map(({ count }) => count));
  return (
    <table class="ranking">
      <caption>{title}</caption>
      <thead class="unseen">
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Refused</th>
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, shown).map(({ key, name, count, log }) => (
          <tr key={key}>
            <th scope="row">{name}</th>
            <td>
              <svg class="share" aria-hidden="true">
                <rect width={`${(count / most) * 100}%`} height="100%" />
              </svg>
              <a href={log} aria-label={`${count} refused: show them in the log`}>
                {count}
              </a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

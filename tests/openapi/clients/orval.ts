// orval: GET, PUT, a typed 409, and again.
import { notesRead, notesReplace, type UpdateConflict } from "./made/orval";

function must(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

const id = "café";
const headers = (fields: Record<string, string>) => ({ headers: fields });
const created = await notesReplace(id, { title: "Draft" }, headers({ "If-None-Match": "*" }));
must(created.status === 201, `created: ${created.status}`);
const read = await notesRead(id);
must(read.status === 200, `read: ${read.status}`);
const tag = read.headers.get("ETag");
must(tag, "its tag");
must((await notesReplace(id, { title: "Theirs" }, headers({ "If-Match": tag }))).status === 200, "the other writer is first");
const stale = await notesReplace(id, { title: "Mine" }, headers({ "If-Match": tag }));
must(stale.status === 409, `stale: ${stale.status}`);
must(stale.data.type === "/problems/stale-version", stale.data.type);
const problem: UpdateConflict = stale.data;
must(problem.current_version === 2 && problem.current_etag, "the current version");
const again = await notesReplace(id, { ...read.data, title: "Mine" }, headers({ "If-Match": problem.current_etag }));
must(again.status === 200 && again.data.title === "Mine", `again: ${again.status}`);
console.log("orval: fine");

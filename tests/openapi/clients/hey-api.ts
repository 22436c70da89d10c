// @hey-api/openapi-ts: GET, PUT, a typed 409, and again.
import { client } from "./made/hey-api/client.gen";
import { notesRead, notesReplace, notesPatch } from "./made/hey-api/sdk.gen";
import type { UpdateConflict } from "./made/hey-api/types.gen";

client.setConfig({ baseUrl: process.argv[2] });

function must(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

const path = { id: "a:b with space" };
const created = await notesReplace({ path, headers: { "If-None-Match": "*" }, body: { title: "Draft" } });
must(created.response?.status === 201, `created: ${created.response?.status}`);
const read = await notesRead({ path });
const tag = read.response?.headers.get("ETag");
must(read.data && tag, "a document and its tag");
must((await notesReplace({ path, headers: { "If-Match": tag }, body: { title: "Theirs" } })).data, "the other writer is first");
const stale = await notesReplace({ path, headers: { "If-Match": tag }, body: { title: "Mine" } });
must(stale.response?.status === 409 && stale.error, `stale: ${stale.response?.status}`);
must(stale.error.type === "/problems/stale-version", stale.error.type);
const problem: UpdateConflict = stale.error;
must(problem.current_version === 2 && problem.current_etag, "the current version");
const again = await notesReplace({ path, headers: { "If-Match": problem.current_etag }, body: { ...read.data, title: "Mine" } });
must(again.data?.title === "Mine", `again: ${again.response?.status}`);
const patched = await notesPatch({ path, headers: { "If-Match": "*" }, body: { body: "b" } });
must(patched.data?.body === "b", `patched: ${patched.response?.status}`);
console.log("hey-api: fine");

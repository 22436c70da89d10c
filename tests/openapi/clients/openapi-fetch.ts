// openapi-typescript and openapi-fetch: GET, PUT, a typed 409, and again.
import createClient from "openapi-fetch";
import type { paths } from "./made/openapi-fetch";

const url = process.argv[2];
const client = createClient<paths>({ baseUrl: url });

function must(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

const id = "bob@example.com: café";
const path = { path: { id } };
const created = await client.PUT("/api/notes/{id}", { params: { ...path, header: { "If-None-Match": "*" } }, body: { title: "Draft", tags: ["a"] } });
must(created.response.status === 201, `created: ${created.response.status}`);

const read = await client.GET("/api/notes/{id}", { params: path });
const tag = read.response.headers.get("ETag");
must(read.data && tag, "a document and its tag");
const title: string = read.data.title;
must(title === "Draft", title);

const others = await client.PUT("/api/notes/{id}", { params: { ...path, header: { "If-Match": tag } }, body: { title: "Theirs" } });
must(others.data, "the other writer is first");

const stale = await client.PUT("/api/notes/{id}", { params: { ...path, header: { "If-Match": tag } }, body: { title: "Mine" } });
must(stale.response.status === 409 && stale.error && "error" in stale.error, `stale: ${stale.response.status}`);
const problem = stale.error;
must(problem.type === "/problems/stale-version", problem.type);
const version: number | null | undefined = problem.current_version;
must(version === 2 && problem.status === 409, `version ${version}`);
const current = problem.current_etag;
must(current, "the current tag");

const again = await client.PUT("/api/notes/{id}", { params: { ...path, header: { "If-Match": current } }, body: { ...read.data, title: "Mine" } });
must(again.data?.title === "Mine", `again: ${again.response.status}`);

const refused = await client.PATCH("/api/notes/{id}", { params: { ...path, header: { "If-Match": "*" } }, body: { title: 7 } });
must(refused.error?.type === "/problems/invalid-document", "the schema holds");
must(refused.error.violations[0]?.path === "/title", "the place of the mistake");
console.log("openapi-fetch: fine");

import assert from "node:assert/strict";
import test from "node:test";

import { Server, ask } from "./support.mjs";

const server = await Server.start();

// Of a debug build on a busy machine; a refusal takes some milliseconds else.
const QUICKLY = 3_000;

async function post(body, accept = "application/graphql-response+json") {
  const began = performance.now();
  const response = await fetch(server.graphql, {
    method: "POST",
    headers: { "content-type": "application/json", accept },
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = await response.json();
  return { status: response.status, answer, took: performance.now() - began };
}

async function isRefused(query, code, variables) {
  const { status, answer, took } = await post({ query, variables });
  assert.equal(answer.errors?.[0].extensions.code, code, JSON.stringify(answer).slice(0, 500));
  assert.equal(status, 400);
  assert.equal("data" in answer, false);
  assert.ok(took < QUICKLY, `it took ${took} ms`);
  return answer.errors[0];
}

async function isPerformed(query, variables) {
  const { errors } = await ask(server, query, variables);
  assert.equal(errors, undefined, JSON.stringify(errors));
}

const nested = (depth, leaf) => (depth === 0 ? leaf : `branches { ${nested(depth - 1, leaf)} }`);
/** A query as deep as this. */
const deep = (depth) => `{ tree(id: "oak") { data { ${nested(depth - 3, "name")} } } }`;

test("a list of operations is refused with 400", async () => {
  for (const accept of ["application/json", "application/graphql-response+json"]) {
    for (const count of [0, 1, 2]) {
      const body = Array.from({ length: count }, () => ({ query: "{ __typename }" }));
      const { status, answer } = await post(body, accept);
      assert.equal(status, 400);
      assert.equal(answer.errors[0].extensions.code, "MALFORMED_REQUEST");
      assert.equal("data" in answer, false);
    }
  }
});

test("a query may be 15 fields deep and no deeper", async () => {
  await isPerformed(deep(15));
  const { extensions } = await isRefused(deep(16), "QUERY_TOO_COSTLY");
  assert.equal(extensions.limit, 15);
});

test("fragments do not hide how deep a query is", async () => {
  const fragments = Array.from({ length: 20 }, (_, level) => {
    const inner = level === 19 ? "name" : `branches { ...Level${level + 1} }`;
    return `fragment Level${level} on TreeData { ${inner} }`;
  });
  await isRefused(`{ tree(id: "oak") { data { ...Level0 } } } ${fragments.join(" ")}`, "QUERY_TOO_COSTLY");
});

test("a query that is nested without end is refused before anything is counted", async () => {
  await isRefused(deep(1_000), "GRAPHQL_PARSE_FAILED");
});

test("a query may have 100 aliases and no more", async () => {
  const aliases = (count) => `{ ${Array.from({ length: count }, (_, index) => `a${index}: __typename`).join(" ")} }`;
  await isPerformed(aliases(100));
  const { extensions } = await isRefused(aliases(101), "QUERY_TOO_COSTLY");
  assert.equal(extensions.limit, 100);
});

test("fragments do not hide how many aliases a query has", async () => {
  const aliases = Array.from({ length: 51 }, (_, index) => `a${index}: __typename`).join(" ");
  await isRefused(`{ ...Many ... on Query { ...Many } } fragment Many on Query { ${aliases} }`, "QUERY_TOO_COSTLY");
});

test("a query may ask for 50000 values and no more", async () => {
  // One for the list, one for `nodes`, and one for each field of each node.
  const ofMany = (fields) => `query Many($first: Int!) { notes(first: $first) { nodes { ${fields} } } }`;
  const fields = Array.from({ length: 49 }, (_, index) => `f${index}: id`).join(" ");
  await isPerformed(ofMany(fields), { first: 999 });
  const { extensions } = await isRefused(ofMany(`${fields} json etag`), "QUERY_TOO_COSTLY", { first: 1000 });
  assert.equal(extensions.limit, 50_000);
});

test("lists within lists count as often as they may be there", async () => {
  const query = `{ notes(first: 1000) { nodes { conflicts(first: 100) { id } } } }`;
  await isRefused(query, "QUERY_TOO_COSTLY");
});

test("fragments that double at each step are counted, not followed", async () => {
  const fragments = Array.from({ length: 60 }, (_, level) => {
    const inner = level === 59 ? "__typename" : `...D${level + 1} ... on Query { ...D${level + 1} }`;
    return `fragment D${level} on Query { ${inner} }`;
  });
  await isRefused(`{ ...D0 } ${fragments.join(" ")}`, "QUERY_TOO_COSTLY");
});

const repeated = (count) => `{${"__typename ".repeat(count)}}`;

test("a document of more than 10000 tokens is refused, those between its words counted", async () => {
  await isPerformed(repeated(4_900));
  await isRefused(repeated(5_100), "GRAPHQL_PARSE_FAILED");
  await isRefused(repeated(90_000), "GRAPHQL_PARSE_FAILED");
});

test("a circle of fragments is refused", async () => {
  await isRefused(
    `{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }`,
    "GRAPHQL_VALIDATION_FAILED",
  );
});

test("introspection that goes round in circles is refused", async () => {
  const round = (times) => (times === 0 ? "name" : `fields { type { ${round(times - 1)} } }`);
  const { status, answer, took } = await post({ query: `{ __schema { types { ${round(8)} } } }` });
  assert.equal(status, 400, JSON.stringify(answer).slice(0, 300));
  assert.match(answer.errors[0].extensions.code, /^[A-Z_]+$/);
  assert.ok(took < QUICKLY, `it took ${took} ms`);
});

test("many mistakes are told in part, and quickly", async () => {
  const query = `{ ${Array.from({ length: 1_500 }, (_, index) => `wrong${index}`).join(" ")} }`;
  const { status, answer, took } = await post({ query });
  assert.equal(status, 400);
  assert.ok(answer.errors.length <= 25, `${answer.errors.length} errors`);
  assert.ok(answer.errors.every((it) => it.extensions.code === "GRAPHQL_VALIDATION_FAILED"));
  assert.ok(took < QUICKLY, `it took ${took} ms`);
});

test("overlapping fields are compared quickly", async () => {
  const fields = "notes(first: 1) { nodes { id } } ".repeat(200);
  const { status, took } = await post({ query: `{ ${fields} }` });
  assert.equal(status, 200);
  assert.ok(took < QUICKLY, `it took ${took} ms`);
});

import assert from "node:assert/strict";
import test from "node:test";

import { buildClientSchema, getIntrospectionQuery, parse, validate } from "graphql";

import { Server, ask, must } from "./support.mjs";

const server = await Server.start();
const schema = buildClientSchema(await must(server, getIntrospectionQuery({ inputValueDeprecation: true })));

// What the reference implementation says of each must be what the server says.
const documents = [
  `{ products { nodes { id } } }`,
  `{ products { nodes { id nothing } } }`,
  `{ products }`,
  `{ products { totalCount { a } } }`,
  `{ product { id } }`,
  `{ product(id: "a", id: "b") { id } }`,
  `{ product(id: "a", ids: "b") { id } }`,
  `{ product(id: 5) { id } }`,
  `{ product(id: 5.5) { id } }`,
  `{ product(id: true) { id } }`,
  `{ product(id: null) { id } }`,
  `{ products(first: "7") { totalCount } }`,
  `{ products(first: 7.0) { totalCount } }`,
  `{ products(first: 99999999999) { totalCount } }`,
  `{ products(first: null) { totalCount } }`,
  `{ products(sort: "stock") { totalCount } }`,
  `{ products(sort: ["stock", null]) { totalCount } }`,
  `{ products(sort: stock) { totalCount } }`,
  `{ products(where: {}) { totalCount } }`,
  `{ products(where: { status: { eq: draft } }) { totalCount } }`,
  `{ products(where: { status: { eq: "draft" } }) { totalCount } }`,
  `{ products(where: { status: { eq: lost } }) { totalCount } }`,
  `{ products(where: { status: { in: draft } }) { totalCount } }`,
  `{ products(where: { stock: { eq: 1, eq: 2 } }) { totalCount } }`,
  `{ products(where: { colour: { eq: "red" } }) { totalCount } }`,
  `{ products(where: { tags: {} }) { totalCount } }`,
  `{ products(where: { price: { lt: 3 } }) { totalCount } }`,
  `{ notes(where: { stock: { lt: 3 } }) { totalCount } }`,
  `{ notes(where: { a: { eq: 1 }, a: { eq: 2 } }) { totalCount } }`,
  `query ($x: JSON) { notes(where: { a: { eq: $x } }) { totalCount } }`,
  `{ notes(where: { a: { eq: $x } }) { totalCount } }`,
  `{ notes(where: { a: { in: [1, $x] } }) { totalCount } }`,
  `query ($x: JSON) { notes(where: { a: { eq: 1 } }) { totalCount } }`,
  `query ($f: Int) { products(first: $f) { totalCount } }`,
  `query ($f: Int!) { products(first: $f) { totalCount } }`,
  `query ($f: Int = 3) { products(first: $f) { totalCount } }`,
  `query ($f: String) { products(first: $f) { totalCount } }`,
  `query ($f: Int = "a") { products(first: $f) { totalCount } }`,
  `query ($f: Product) { products { totalCount } }`,
  `query ($f: Nothing) { products { totalCount } }`,
  `query ($f: Int!, $f: Int!) { products(first: $f) { totalCount } }`,
  `query ($s: [String]) { products(sort: $s) { totalCount } }`,
  `query ($s: [String!]) { products(sort: $s) { totalCount } }`,
  `query ($s: String!) { products(sort: [$s]) { totalCount } }`,
  `query ($s: String!) { products(sort: $s) { totalCount } }`,
  `query ($n: Boolean!) { products { totalCount @skip(if: $n) } }`,
  `{ products { totalCount @skip } }`,
  `{ products { totalCount @nothing } }`,
  `{ products { totalCount @skip(if: true) @skip(if: false) } }`,
  `{ products { totalCount @include(if: "true") } }`,
  `{ products { totalCount @deprecated } }`,
  `{ a: __typename a: __typename }`,
  `{ a: product(id: "a") { id } a: product(id: "b") { id } }`,
  `{ a: product(id: "a") { id } a: product(id: "a") { version } }`,
  `{ product(id: "a") { x: id x: version } }`,
  `{ product(id: "a") { ... on Product { id } ... on Versioned { version } } }`,
  `{ product(id: "a") { ... on Note { id } } }`,
  `{ product(id: "a") { ... on Query { __typename } } }`,
  `{ product(id: "a") { ... on StringWhere { eq } } }`,
  `{ product(id: "a") { ... on Nothing { id } } }`,
  `{ product(id: "a") { ...F } } fragment F on Product { id }`,
  `{ product(id: "a") { ...F } } fragment F on Note { id }`,
  `{ product(id: "a") { ...F } }`,
  `{ product(id: "a") { id } } fragment F on Product { id }`,
  `{ product(id: "a") { ...F } } fragment F on Product { id } fragment F on Product { version }`,
  `{ product(id: "a") { ...F } } fragment F on Product { id ...F }`,
  `{ product(id: "a") { ...F } } fragment F on Product { etag @include(if: $n) }`,
  `query ($n: Boolean!) { product(id: "a") { ...F } } fragment F on Product { etag @include(if: $n) }`,
  `query A { __typename } query A { __typename }`,
  `query A { __typename } { __typename }`,
  `subscription { changes { id } noteChanged { id } }`,
  `subscription { changes { id } ...F } fragment F on Subscription { noteChanged { id } }`,
  `subscription { a: changes { id } b: changes { id } }`,
  `subscription { __typename }`,
  `type A { b: Int }`,
  `{ __typename } type A { b: Int }`,
  `{ __type(name: "Product") { name } __schema { queryType { name } } }`,
  `{ __type { name } }`,
  `{ product(id: "a") { __schema { queryType { name } } } }`,
  `mutation { createProduct(data: { name: "a", status: draft }) { id } }`,
  `mutation { createProduct(data: { name: "a", status: draft, stock: 1, size: { width: 1 } }) { id } }`,
  `mutation { createProduct(data: { name: "a", status: draft, stock: null }) { id } }`,
  `mutation { createProduct(data: { name: "a", status: draft, stock: 1, more: 1 }) { id } }`,
  `mutation { replaceProduct(id: "a", data: { name: "a", status: draft, stock: 1 }) { id } }`,
  `mutation { createProduct(data: { name: "a", name: "b", status: draft, stock: 1 }) { id } }`,
  `mutation { createNote(data: { a: 1, a: 2 }) { id } }`,
  `mutation { createNote(data: { a: { b: 1, b: 2 } }) { id } }`,
  `mutation { createNote(data: { a: $x }) { id } }`,
  `mutation { createNote(data: { a: [{ b: $x }] }) { id } }`,
  `mutation { createNote(data: $x) { id } }`,
  `mutation { batch(operations: { createNote: { data: { a: $x } } }) { id } }`,
  `mutation ($x: Int!, $y: [String!]) { createNote(data: { a: $x, b: [$y] }) { id } }`,
  `mutation ($x: Int) { createNote(data: { a: 1 }) { id } }`,
];

for (const document of documents) {
  test(`graphql-js and the server agree whether this is valid: ${document}`, async () => {
    const faults = validate(schema, parse(document));
    const operation = /^(query|mutation) A/.test(document) ? { operationName: "A" } : {};
    const response = await fetch(server.graphql, {
      method: "POST",
      headers: { "content-type": "application/json" },
      // For each variable, so that only the document can be at fault.
      body: JSON.stringify({ query: document, variables: { f: 3, s: "stock", n: true, x: 1, y: ["b"] }, ...operation }),
      signal: AbortSignal.timeout(10_000),
    });
    const answer = await response.json();
    const ofDocument = ["GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "BAD_USER_INPUT"];
    const mine = (answer.errors ?? []).filter((it) => ofDocument.includes(it.extensions.code));
    // A subscription is valid, yet not for this way of asking.
    const told = mine.filter((it) => !/answered as events/.test(it.message)).map((it) => it.message);
    assert.equal(
      told.length > 0,
      faults.length > 0,
      `graphql-js says ${JSON.stringify(faults.map((it) => it.message))}, the server ${JSON.stringify(answer)}`,
    );
  });
}

test("variables within a value of JSON are put into it", async () => {
  const text = `mutation ($x: Int!, $y: [String!], $z: JSON, $absent: Int) {
    createNote(data: { a: $x, b: { c: [$y, $z] }, absent: $absent }) { json }
  }`;
  const { createNote } = await must(server, text, { x: 1, y: ["b"], z: { d: null } });
  assert.deepEqual({ ...createNote.json, absent: null }, { a: 1, b: { c: [["b"], { d: null }] }, absent: null });
});

test("numbers have the digits that they were written with, both ways", async () => {
  const written = `{"price":12.50,"big":12345678901234567890.1200,"power":1e3,"inner":{"z":1,"a":-0.0}}`;
  const response = await fetch(server.graphql, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `{"query":"mutation ($d: JSON!) { createNote(data: $d) { json } }","variables":{"d":${written}}}`,
  });
  assert.match(await response.text(), new RegExp(written.replace(/[.{}]/g, "\\$&")));
});

test("a document that the JSON Schema refuses is refused with its place", async () => {
  const { errors } = await ask(
    server,
    `mutation { createProduct(data: { name: "a", status: draft, stock: -1 }) { id } }`,
  );
  const { code, status, problem } = errors[0].extensions;
  assert.deepEqual([code, status], ["VALIDATION_FAILED", 422]);
  assert.ok(JSON.stringify(problem).includes("/stock"));
});

import assert from "node:assert/strict";
import test from "node:test";

import { faces } from "./clients.mjs";
import { Server, ask, must } from "./support.mjs";

const server = await Server.start();

const COUNT = 50;
const BATCH = `mutation Batch($operations: [BatchOperation!]!) { batch(operations: $operations) { id version } }`;
const STATUSES = ["draft", "on_sale", "sold_out"];
// Several have one price, and some none: an order by it alone would not be one.
const products = Array.from({ length: COUNT }, (_, index) => ({
  id: `product-${String(index).padStart(2, "0")}`,
  data: {
    name: `Lamp ${COUNT - index}`,
    status: STATUSES[index % 3],
    stock: index % 10,
    ...(index % 7 === 0 ? {} : { price: (index % 5) + 0.5 }),
    ...(index % 2 === 0 ? { size: { width: index + 1, unit: index % 4 === 0 ? "mm" : "cm" } } : {}),
  },
}));
const notes = products.map(({ id, data }) => {
  return { id, data: { ...data, "odd name": data.stock, deep: { er: data.size } } };
});
await must(server, BATCH, { operations: products.map((it) => ({ createProduct: it })) });
await must(server, BATCH, { operations: notes.map((it) => ({ createNote: it })) });

const ids = (documents) => documents.map((it) => it.id);
const PAGE = `query Page($first: Int!, $after: String, $sort: [String!], $where: ProductWhere) {
  products(first: $first, after: $after, sort: $sort, where: $where) {
    totalCount
    edges { cursor node { id json } }
    nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

/** All pages of a list; `next` says where the next one begins, from the one before. */
async function walk(read, variables, next) {
  const pages = [];
  for (let after = null; ; ) {
    const { data, errors } = await read(PAGE, { first: 7, ...variables, after });
    assert.deepEqual(errors, []);
    pages.push(data.products);
    assert.ok(pages.length <= COUNT, "the list has no end");
    if (!data.products.pageInfo.hasNextPage) return pages;
    after = next(data.products);
  }
}

const ways = {
  "the cursor of the last edge": (page) => page.edges.at(-1).cursor,
  "pageInfo.endCursor": (page) => page.pageInfo.endCursor,
};
const sorts = {
  "by id": { sort: undefined, order: products },
  "by a member that several have alike": {
    sort: ["stock", "-name"],
    order: [...products].sort((a, b) => a.data.stock - b.data.stock || (a.data.name < b.data.name ? 1 : -1)),
  },
  "by a nested member that some lack": { sort: ["-/size/width"], order: undefined },
  "by what is no member": { sort: ["-_id"], order: [...products].reverse() },
};

for (const [client, face] of Object.entries(faces)) {
  const { read } = face(server, { by: "ann", fetch });
  for (const [way, next] of Object.entries(ways)) {
    for (const [what, { sort, order }] of Object.entries(sorts)) {
      test(`${client} sees each of 50 documents once, ${what}, by ${way}`, async () => {
        const pages = await walk(read, { sort }, next);
        assert.equal(pages.length, 8);
        assert.deepEqual(
          pages.map((page) => page.edges.length),
          [7, 7, 7, 7, 7, 7, 7, 1],
        );
        const seen = pages.flatMap((page) => page.edges.map((edge) => edge.node.id));
        assert.deepEqual([...seen].sort(), ids(products));
        if (order) assert.deepEqual(seen, ids(order));
        for (const [index, page] of pages.entries()) {
          assert.equal(page.totalCount, COUNT);
          assert.deepEqual(ids(page.nodes), ids(page.edges.map((edge) => edge.node)));
          const { pageInfo, edges } = page;
          assert.equal(pageInfo.hasPreviousPage, index > 0);
          assert.equal(pageInfo.startCursor, edges[0].cursor);
          assert.equal(pageInfo.endCursor, edges.at(-1).cursor);
        }
      });
    }
  }
}

test("a page may begin behind any edge", async () => {
  const { products: page } = await must(server, PAGE, { first: 7, sort: ["stock"] });
  const { products: rest } = await must(server, PAGE, { first: 4, sort: ["stock"], after: page.edges[2].cursor });
  assert.deepEqual(ids(rest.nodes), ids(page.nodes.slice(3)));
});

test("a page behind the last edge is empty", async () => {
  const { products: all } = await must(server, PAGE, { first: 100 });
  assert.equal(all.pageInfo.hasNextPage, false);
  const { products: none } = await must(server, PAGE, { first: 7, after: all.pageInfo.endCursor });
  assert.deepEqual(none.edges, []);
  assert.deepEqual(none.pageInfo, { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null });
  assert.equal(none.totalCount, COUNT);
});

const where = (test) => ids(products.filter((it) => test(it.data, it.id)));
const typed = {
  "an enum": [{ status: { eq: "on_sale" } }, where((it) => it.status === "on_sale")],
  "some of an enum": [{ status: { in: ["draft", "sold_out"] } }, where((it) => it.status !== "on_sale")],
  "not one of an enum": [{ status: { ne: "draft" } }, where((it) => it.status !== "draft")],
  "a range": [{ stock: { ge: 3, lt: 5 } }, where((it) => it.stock >= 3 && it.stock < 5)],
  "a nested enum": [{ size: { unit: { eq: "cm" } } }, where((it) => it.size?.unit === "cm")],
  "nested and not": [
    { size: { width: { gt: 20 }, unit: { eq: "mm" } }, stock: { ne: 4 } },
    where((it) => it.size?.width > 20 && it.size.unit === "mm" && it.stock !== 4),
  ],
  "what is absent": [{ price: { exists: false } }, where((it) => it.price === undefined)],
  "a nested member that is there": [{ size: { height: { exists: true } } }, []],
  ids: [{ _id: { in: ["product-03", "product-07", "product-99"] } }, ["product-03", "product-07"]],
  versions: [{ _version: { gt: 1 } }, []],
  times: [{ _updatedAt: { gt: "2020-01-01T00:00:00.000Z" } }, ids(products)],
  nothing: [{}, ids(products)],
};

for (const [what, [condition, expected]] of Object.entries(typed)) {
  test(`documents are found by a typed condition: ${what}`, async () => {
    const { products: page } = await must(server, PAGE, { first: 100, where: condition });
    assert.deepEqual(ids(page.nodes), expected);
    assert.equal(page.totalCount, expected.length);
  });
}

test("a condition is walked in pages, too", async () => {
  const { read } = faces.urql(server, { by: "ann", fetch });
  const condition = { status: { eq: "on_sale" }, size: { unit: { in: ["mm", "cm"] } } };
  const pages = await walk(read, { where: condition, sort: ["-stock"], first: 3 }, (page) => page.pageInfo.endCursor);
  const seen = pages.flatMap((page) => ids(page.nodes));
  const expected = where((it) => it.status === "on_sale" && it.size);
  assert.deepEqual([...seen].sort(), expected);
  assert.ok(pages.every((page) => page.totalCount === expected.length));
});

const plain = {
  "a member": [{ status: { eq: "on_sale" } }, where((it) => it.status === "on_sale")],
  "a member by its pointer": [{ "/deep/er/unit": { eq: "cm" } }, where((it) => it.size?.unit === "cm")],
  "a name that GraphQL has not": [{ "odd name": { lt: 2 } }, where((it) => it.stock < 2)],
  "several at once": [
    { stock: { ge: 2, lt: 8 }, status: { in: ["draft"] } },
    where((it) => it.stock >= 2 && it.stock < 8 && it.status === "draft"),
  ],
  "what is absent": [{ price: { exists: false } }, where((it) => it.price === undefined)],
};

for (const [what, [condition, expected]] of Object.entries(plain)) {
  test(`documents without a schema are found by a condition of JSON: ${what}`, async () => {
    const text = `query Find($where: JSON) { notes(where: $where) { nodes { id } totalCount } }`;
    const { notes: page } = await must(server, text, { where: condition });
    assert.deepEqual(ids(page.nodes), expected);
    assert.equal(page.totalCount, expected.length);
  });
}

test("conditions and cursors that are none are refused, each with a code", async () => {
  const MALFORMED = "MALFORMED_REQUEST";
  const cases = [
    [PAGE, { first: 7, where: { status: { eq: "lost" } } }, "BAD_USER_INPUT"],
    [PAGE, { first: 7, where: { colour: { eq: "red" } } }, "BAD_USER_INPUT"],
    [PAGE, { first: 7, where: { stock: { eq: "3" } } }, "BAD_USER_INPUT"],
    [PAGE, { first: 7, after: "no cursor" }, MALFORMED],
    [PAGE, { first: 0 }, "BAD_USER_INPUT"],
    [`query Find($where: JSON) { notes(where: $where) { totalCount } }`, { where: { a: { near: 3 } } }, MALFORMED],
  ];
  for (const [text, variables, code] of cases) {
    const { errors } = await ask(server, text, variables);
    assert.equal(errors?.[0].extensions.code, code, JSON.stringify({ variables, errors }));
  }
});

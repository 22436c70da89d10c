import assert from "node:assert/strict";
import test from "node:test";

import { faces } from "./clients.mjs";
import { Server, must, name } from "./support.mjs";

const server = await Server.start();

const BATCH = `mutation Batch($operations: [BatchOperation!]!) {
  batch(operations: $operations) {
    id collection version isDeletion
    document { __typename id etag version json ... on Product { data { name status } } outcome { isCreated } }
  }
}`;
const lamp = { name: "Lamp", status: "on_sale", stock: 3 };

async function make(id) {
  const text = `mutation Make($id: ID, $data: ProductInput!) { createProduct(id: $id, data: $data) { etag } }`;
  return (await must(server, text, { id, data: lamp })).createProduct.etag;
}

async function stored(id) {
  const text = `query Read($id: ID!) { product(id: $id) { version json } note(id: $id) { version json } }`;
  return must(server, text, { id });
}

for (const [client, face] of Object.entries(faces)) {
  const { write } = face(server, { by: "ann", fetch });

  test(`${client} performs all operations of a batch in one step`, async () => {
    const [created, replaced, patched, deleted, note] = ["a", "b", "c", "d", "e"].map(name);
    const etags = [];
    for (const id of [replaced, patched, deleted]) etags.push(await make(id));
    const { data, errors } = await write(BATCH, {
      operations: [
        { createProduct: { id: created, data: lamp } },
        { replaceProduct: { id: replaced, ifMatch: etags[0], data: { ...lamp, status: "draft" } } },
        { patchProduct: { id: patched, ifMatch: etags[1], patch: { stock: 9 } } },
        { deleteProduct: { id: deleted, ifMatch: etags[2] } },
        { createNote: { id: note, data: { text: "all of this" } } },
      ],
    });
    assert.deepEqual(errors, []);
    const told = data.batch.map(({ id, collection, version, isDeletion }) => [id, collection, version, isDeletion]);
    assert.deepEqual(told, [
      [created, "products", 1, false],
      [replaced, "products", 2, false],
      [patched, "products", 2, false],
      [deleted, "products", 2, true],
      [note, "notes", 1, false],
    ]);
    const documents = data.batch.map((it) => it.document);
    assert.deepEqual(
      documents.map((it) => it?.__typename),
      ["Product", "Product", "Product", undefined, "Note"],
    );
    assert.equal(documents[0].outcome.isCreated, true);
    assert.equal(documents[1].data.status, "draft");
    assert.deepEqual(documents[2].json, { ...lamp, stock: 9 });
    assert.equal((await stored(deleted)).product, null);
  });

  test(`${client} performs none where one is refused, and is told which and why`, async () => {
    const [fresh, stale, note] = ["a", "b", "c"].map(name);
    const first = await make(stale);
    const text = `mutation Patch($id: ID!, $ifMatch: String!) {
      patchProduct(id: $id, ifMatch: $ifMatch, patch: { name: "Lantern" }) { etag }
    }`;
    const second = (await must(server, text, { id: stale, ifMatch: first }, { by: "bob" })).patchProduct.etag;
    const { data, errors } = await write(BATCH, {
      operations: [
        { createProduct: { id: fresh, data: lamp } },
        { replaceProduct: { id: stale, ifMatch: first, data: { ...lamp, name: "Desk lamp" } } },
        { createNote: { id: note, data: {} } },
      ],
    });
    assert.equal(data?.batch ?? null, null);
    const [{ path, extensions }] = errors;
    assert.deepEqual(path, ["batch"]);
    assert.equal(extensions.code, "UPDATE_CONFLICT");
    assert.equal(extensions.status, 409);
    const { problem } = extensions;
    assert.equal(problem.operation, 1);
    assert.equal(problem.current_etag, second);
    assert.equal(problem.conflicts[0].path, "/name");
    assert.deepEqual(
      problem.results.map((it) => it.status),
      [424, 409, 424],
    );
    assert.equal(problem.results[1].body.error, "UpdateConflict");
    assert.equal(problem.results[1].body.current_etag, second);
    assert.equal(problem.results[1].body.instance, `/api/products/${stale}`);
    assert.equal(problem.results[0].body.error, "NotPerformed");
    assert.equal((await stored(fresh)).product, null);
    assert.equal((await stored(note)).note, null);
    assert.equal((await stored(stale)).product.version, 2);
  });

  test(`${client} has a batch refused by a unique key that two of its operations want`, async () => {
    const [one, two] = ["a", "b"].map(name);
    const data = { email: `${one}@example.org` };
    const { errors } = await write(BATCH, {
      operations: [{ createCustomer: { id: one, data } }, { createCustomer: { id: two, data } }],
    });
    assert.equal(errors[0].extensions.code, "DUPLICATE_ENTRY");
    assert.equal(errors[0].extensions.problem.operation, 1);
  });

  test(`${client} has a batch refused in which an operation is two, or none`, async () => {
    const [one, two] = ["a", "b"].map(name);
    const create = (id) => ({ id, data: lamp });
    for (const operation of [{ createProduct: create(one), createNote: { id: two, data: {} } }, {}]) {
      const { errors } = await write(BATCH, { operations: [operation] });
      assert.equal(errors[0].extensions.code, "MALFORMED_REQUEST");
      assert.equal(errors[0].extensions.status, 400);
    }
    assert.equal((await stored(one)).product, null);
  });

  test(`${client} has the other fields of a mutation performed where one is refused`, async () => {
    const [one, two] = ["a", "b"].map(name);
    const { data, errors } = await write(
      `mutation Three($one: ID!, $two: ID!, $data: ProductInput!, $other: ProductInput!) {
        first: createProduct(id: $one, data: $data) { id version }
        again: createProduct(id: $one, data: $other) { id version }
        second: createProduct(id: $two, data: $data) { id version }
      }`,
      { one, two, data: lamp, other: { ...lamp, name: "Lantern" } },
    );
    assert.deepEqual([data.first.id, data.again, data.second.id], [one, null, two]);
    assert.equal(errors.length, 1);
    assert.deepEqual(errors[0].path, ["again"]);
    assert.equal(errors[0].extensions.status, 412);
  });
}

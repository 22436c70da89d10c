import assert from "node:assert/strict";
import test from "node:test";

import { faces } from "./clients.mjs";
import { Server, must, name, noting } from "./support.mjs";

const server = await Server.start();

// An etag and its version are asked for together, always.
const EDITABLE = `fragment Editable on Product { id version etag updatedBy json }`;
const READ = `query Read($id: ID!) { product(id: $id) { ...Editable } } ${EDITABLE}`;
const CREATE = `mutation Create($id: ID, $data: ProductInput!) {
  createProduct(id: $id, data: $data) { ...Editable outcome { isCreated } }
} ${EDITABLE}`;
const REPLACE = `mutation Replace($id: ID!, $ifMatch: String!, $data: ProductInput!, $onConflict: OnConflict) {
  replaceProduct(id: $id, ifMatch: $ifMatch, data: $data, onConflict: $onConflict) {
    ...Editable outcome { isCreated isReplayed merged { baseVersion ontoVersion } }
  }
} ${EDITABLE}`;

const lamp = { name: "Lamp", status: "on_sale", stock: 3, size: { width: 20, unit: "cm" } };

/** A document with two writers: `by` reads version 1, and bob writes version 2. */
async function overtaken(id, changed) {
  const { createProduct: first } = await must(server, CREATE, { id, data: lamp }, { by: "setup" });
  return {
    first,
    overtake: async () => {
      const variables = { id, ifMatch: first.etag, data: { ...first.json, ...changed } };
      return (await must(server, REPLACE, variables, { by: "bob" })).replaceProduct;
    },
  };
}

for (const [client, face] of Object.entries(faces)) {
  test(`${client} resolves a conflict from the refusal alone, in one round trip`, async () => {
    const { fetch, requests } = noting();
    const ann = face(server, { by: "ann", fetch });
    const id = name("lamp");
    const { overtake } = await overtaken(id, { name: "Lantern", price: 12.5 });
    const read = await ann.read(READ, { id });
    assert.deepEqual(read.errors, []);
    const { etag, json } = read.data.product;
    assert.deepEqual(json, lamp);
    const theirs = await overtake();

    const refused = await ann.write(REPLACE, { id, ifMatch: etag, data: { ...json, name: "Desk lamp", stock: 5 } });
    assert.equal(refused.data?.replaceProduct ?? null, null);
    assert.equal(refused.errors.length, 1);
    const [{ message, path, extensions }] = refused.errors;
    assert.deepEqual(path, ["replaceProduct"]);
    assert.equal(extensions.code, "UPDATE_CONFLICT");
    assert.equal(extensions.status, 409);
    const { problem } = extensions;
    assert.equal(message, problem.detail);
    assert.equal(problem.type, "/problems/stale-version");
    assert.equal(problem.error, "UpdateConflict");
    assert.equal(problem.status, 409);
    assert.equal(problem.current_version, 2);
    assert.equal(problem.your_version, 1);
    assert.equal(problem.current_etag, theirs.etag);
    assert.deepEqual(problem.current, theirs.json);
    assert.deepEqual(problem.conflicts, [
      {
        path: "/name",
        kind: "edit-edit",
        strategy: "manual",
        base: "Lamp",
        yours: "Desk lamp",
        current: "Lantern",
        by: "bob",
        version: 2,
      },
    ]);
    assert.deepEqual(problem.conflicting_fields, ["name"]);
    assert.equal(problem.mergeable, false);
    // What only one of both changed is merged; where they collide, it has what is current.
    assert.deepEqual(problem.merged, { ...lamp, name: "Lantern", price: 12.5, stock: 5 });
    assert.deepEqual(
      problem.changes_since.map(({ version, by, fields }) => ({ version, by, fields: [...fields].sort() })),
      [{ version: 2, by: "bob", fields: ["name", "price"] }],
    );

    const until = requests.length;
    const decided = { ...problem.merged, name: "Desk lantern" };
    const resolved = await ann.write(REPLACE, { id, ifMatch: problem.current_etag, data: decided });
    assert.deepEqual(resolved.errors, []);
    assert.equal(requests.length, until + 1);
    assert.equal(requests.length, 3, "the reading, the write that was refused, and the one that was not");
    const { version, updatedBy, json: stored } = resolved.data.replaceProduct;
    assert.deepEqual({ version, updatedBy, stored }, { version: 3, updatedBy: "ann", stored: decided });
  });

  test(`${client} reads of the refused edit in the log of conflicts`, async () => {
    const ann = face(server, { by: "ann", fetch });
    const id = name("lamp");
    const { first, overtake } = await overtaken(id, { name: "Lantern" });
    await overtake();
    const refused = await ann.write(REPLACE, { id, ifMatch: first.etag, data: { ...lamp, name: "Desk lamp" } });
    const { logged } = refused.errors[0].extensions.problem;
    const { data, errors } = await ann.read(
      `query Log($id: ID!) {
        product(id: $id) {
          conflicts(outcome: OPEN) { id href at by document kind paths baseVersion currentVersion outcome }
        }
      }`,
      { id },
    );
    assert.deepEqual(errors, []);
    assert.equal(data.product.conflicts.length, 1);
    const [conflict] = data.product.conflicts;
    assert.equal(conflict.href, logged);
    assert.equal(conflict.by, "ann");
    assert.equal(conflict.document, id);
    assert.equal(conflict.kind, "stale-version");
    assert.deepEqual(conflict.paths, ["/name"]);
    assert.deepEqual([conflict.baseVersion, conflict.currentVersion], [1, 2]);

    // It can still be stored, by a decision on the place that collided.
    const resolved = await ann.write(
      `mutation Resolve($id: ID!, $current: String!, $choices: JSON!) {
        resolveConflict(id: $id, choices: $choices, current: $current) { id version etag json }
      }`,
      { id: conflict.id, current: refused.errors[0].extensions.problem.current_etag, choices: { "/name": "yours" } },
    );
    assert.deepEqual(resolved.errors, []);
    assert.equal(resolved.data.resolveConflict.version, 3);
    assert.equal(resolved.data.resolveConflict.json.name, "Desk lamp");
  });

  test(`${client} is told who has a unique key`, async () => {
    const ann = face(server, { by: "ann", fetch });
    const make = `mutation Make($id: ID, $data: JSON!) { createCustomer(id: $id, data: $data) { id version } }`;
    const [one, two] = [name("customer"), name("customer")];
    const email = `${one}@example.org`;
    const made = await ann.write(make, { id: one, data: { email } });
    assert.deepEqual(made.errors, []);
    const refused = await ann.write(make, { id: two, data: { email: email.toUpperCase() } });
    assert.equal(refused.data?.createCustomer ?? null, null);
    const [{ path, extensions }] = refused.errors;
    assert.deepEqual(path, ["createCustomer"]);
    assert.equal(extensions.code, "DUPLICATE_ENTRY");
    assert.equal(extensions.status, 409);
    assert.equal(extensions.problem.error, "DuplicateEntry");
    assert.equal(JSON.stringify(extensions.problem).includes(one), true, "it names the one that has it");
    const { data } = await ann.read(`query Gone($id: ID!) { customer(id: $id) { id } }`, { id: two });
    assert.equal(data.customer, null);
  });

  test(`${client} has edits joined that do not overlap, where it asks for that`, async () => {
    const ann = face(server, { by: "ann", fetch });
    const id = name("lamp");
    const { first, overtake } = await overtaken(id, { price: 12.5 });
    await overtake();
    const variables = { id, ifMatch: first.etag, data: { ...lamp, name: "Desk lamp" } };
    const refused = await ann.write(REPLACE, { ...variables, onConflict: "REJECT" });
    assert.equal(refused.errors[0].extensions.code, "UPDATE_CONFLICT");
    assert.equal(refused.errors[0].extensions.problem.mergeable, true);
    const merged = await ann.write(REPLACE, { ...variables, onConflict: "MERGE" });
    assert.deepEqual(merged.errors, []);
    const { version, json, outcome } = merged.data.replaceProduct;
    assert.equal(version, 3);
    assert.deepEqual(json, { ...lamp, name: "Desk lamp", price: 12.5 });
    assert.equal(outcome.merged.baseVersion, 1);
    assert.equal(outcome.merged.ontoVersion, 2);
  });

  test(`${client} has edits refused that overlap, even where it asks to have them joined`, async () => {
    const ann = face(server, { by: "ann", fetch });
    const id = name("lamp");
    const { first, overtake } = await overtaken(id, { name: "Lantern" });
    await overtake();
    const data = { ...lamp, name: "Desk lamp" };
    const refused = await ann.write(REPLACE, { id, ifMatch: first.etag, data, onConflict: "MERGE" });
    assert.equal(refused.errors[0].extensions.code, "UPDATE_CONFLICT");
    assert.equal(refused.errors[0].extensions.problem.conflicts[0].path, "/name");
  });

  for (const [selection, hasTag] of [
    ["etag", false],
    ["etag outcome { isCreated }", false],
    ["etag json", true],
    ["etag data { name }", false],
    ["etag also: json", true],
  ]) {
    const what = hasTag ? "gets the etag" : "gets no etag";
    test(`${client} ${what} behind a merged write of which it selects { ${selection} }`, async () => {
      const ann = face(server, { by: "ann", fetch });
      const id = name("lamp");
      const { first, overtake } = await overtaken(id, { price: 12.5 });
      await overtake();
      const merged = await ann.write(
        `mutation Merge($id: ID!, $ifMatch: String!) {
          patchProduct(id: $id, ifMatch: $ifMatch, patch: { name: "Desk lamp" }, onConflict: MERGE) { ${selection} }
        }`,
        { id, ifMatch: first.etag },
      );
      assert.deepEqual(merged.errors, []);
      const { etag } = merged.data.patchProduct;
      if (hasTag) assert.equal(etag, (await must(server, READ, { id })).product.etag);
      else assert.equal(etag, null);
    });
  }

  test(`${client} gets the etag of what it wrote itself without asking for the document`, async () => {
    const ann = face(server, { by: "ann", fetch });
    const id = name("lamp");
    const { first } = await overtaken(id, {});
    const written = await ann.write(
      `mutation Patch($id: ID!, $ifMatch: String!) {
        patchProduct(id: $id, ifMatch: $ifMatch, patch: { name: "Desk lamp" }) { etag }
      }`,
      { id, ifMatch: first.etag },
    );
    assert.deepEqual(written.errors, []);
    assert.equal(written.data.patchProduct.etag, (await must(server, READ, { id })).product.etag);
  });

  test(`${client} gets no etag for a change of whichever version there is`, async () => {
    const ann = face(server, { by: "ann", fetch });
    const id = name("lamp");
    await overtaken(id, {});
    const written = await ann.write(
      `mutation Patch($id: ID!) { patchProduct(id: $id, ifMatch: "*", patch: { name: "Desk lamp" }) { etag version } }`,
      { id },
    );
    assert.deepEqual(written.errors, []);
    const { etag, version } = written.data.patchProduct;
    assert.deepEqual({ etag, version }, { etag: null, version: 2 });
  });

  test(`${client} is told of a document that somebody deleted meanwhile`, async () => {
    const ann = face(server, { by: "ann", fetch });
    const id = name("lamp");
    const { first } = await overtaken(id, {});
    const { deleteProduct } = await must(
      server,
      `mutation Delete($id: ID!, $ifMatch: String!) {
        deleteProduct(id: $id, ifMatch: $ifMatch) { id version updatedBy }
      }`,
      { id, ifMatch: first.etag },
      { by: "bob" },
    );
    assert.deepEqual(deleteProduct, { id, version: 2, updatedBy: "bob" });
    const refused = await ann.write(REPLACE, { id, ifMatch: first.etag, data: lamp });
    const { code, status, problem } = refused.errors[0].extensions;
    assert.equal(status, 409);
    assert.equal(problem.type, "/problems/deleted");
    assert.match(code, /^[A-Z][A-Z_]*$/);
    assert.equal(problem.deleted_by, "bob");
    const { data, errors } = await ann.read(READ, { id });
    assert.deepEqual(errors, []);
    assert.equal(data.product, null);
  });
}

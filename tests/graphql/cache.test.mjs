import assert from "node:assert/strict";
import test from "node:test";

import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client/core";

import { apolloClient } from "./clients.mjs";
import { Server, must, name } from "./support.mjs";

const server = await Server.start();

const EDITABLE = gql`
  fragment Editable on Product {
    id
    etag
    json
  }
`;
const READ = gql`
  query Read($id: ID!) {
    product(id: $id) {
      ...Editable
      data {
        name
      }
    }
  }
  ${EDITABLE}
`;
const REPLACE = gql`
  mutation Replace($id: ID!, $ifMatch: String!, $data: ProductInput!) {
    replaceProduct(id: $id, ifMatch: $ifMatch, data: $data) {
      ...Editable
      data {
        name
      }
    }
  }
  ${EDITABLE}
`;
const lamp = { name: "Lamp", status: "on_sale", stock: 3 };

async function make(id) {
  const text = `mutation Make($id: ID, $data: ProductInput!) { createProduct(id: $id, data: $data) { etag } }`;
  return (await must(server, text, { id, data: lamp })).createProduct.etag;
}

async function overtake(id, ifMatch, patch) {
  const text = `mutation Patch($id: ID!, $ifMatch: String!, $patch: JSON!) {
    patchProduct(id: $id, ifMatch: $ifMatch, patch: $patch) { etag }
  }`;
  return (await must(server, text, { id, ifMatch, patch }, { by: "bob" })).patchProduct.etag;
}

/** What the cache has of a document, all of it from one place. */
function cached(client, id) {
  const { etag, json } = client.cache.readFragment({ id: `Product:${id}`, fragment: EDITABLE });
  return { etag, json };
}

test("Apollo's cache holds an etag and its version together, before, behind and long after a conflict", async () => {
  const client = apolloClient(server, { by: "ann", fetch });
  const id = name("lamp");
  const first = await make(id);
  await client.query({ query: READ, variables: { id } });
  assert.deepEqual(cached(client, id), { etag: first, json: lamp });
  const second = await overtake(id, first, { name: "Lantern" });

  const edited = { ...cached(client, id).json, name: "Desk lamp" };
  let problem;
  // Apollo throws what the server refuses, unless told otherwise.
  await assert.rejects(
    client.mutate({ mutation: REPLACE, variables: { id, ifMatch: first, data: edited } }),
    (error) => {
      assert.ok(CombinedGraphQLErrors.is(error));
      problem = error.errors[0].extensions.problem;
      return error.errors[0].extensions.code === "UPDATE_CONFLICT";
    },
  );
  // The refusal leaves the cache as it was: old, yet no etag without its version.
  assert.deepEqual(cached(client, id), { etag: first, json: lamp });

  // What it tells is a whole version, too.
  client.cache.writeFragment({
    id: `Product:${id}`,
    fragment: EDITABLE,
    data: { __typename: "Product", id, etag: problem.current_etag, json: problem.current },
  });
  assert.deepEqual(cached(client, id), { etag: second, json: { ...lamp, name: "Lantern" } });

  const { etag, json } = cached(client, id);
  const decided = { ...json, name: "Desk lantern" };
  const { data } = await client.mutate({ mutation: REPLACE, variables: { id, ifMatch: etag, data: decided } });
  assert.equal(data.replaceProduct.data.name, "Desk lantern");
  const stored = (await must(server, `query Read($id: ID!) { product(id: $id) { etag json } }`, { id })).product;
  assert.deepEqual(cached(client, id), stored);
  assert.deepEqual(stored.json, decided);
});

test("a merged write puts no etag into Apollo's cache beside an older version", async () => {
  const client = apolloClient(server, { by: "ann", fetch });
  const id = name("lamp");
  const first = await make(id);
  await client.query({ query: READ, variables: { id } });
  await overtake(id, first, { stock: 2 });
  // Somebody forgets the fragment: the cache keeps its older version of the document.
  await client.mutate({
    mutation: gql`
      mutation Patch($id: ID!, $ifMatch: String!) {
        patchProduct(id: $id, ifMatch: $ifMatch, patch: { name: "Desk lamp" }, onConflict: MERGE) {
          id
          etag
        }
      }
    `,
    variables: { id, ifMatch: first },
  });
  const { etag, json } = cached(client, id);
  assert.deepEqual(json, lamp);
  // With the etag of the merged version, the next write would take back bob's without a word.
  assert.equal(etag, null);
  await assert.rejects(
    client.mutate({ mutation: REPLACE, variables: { id, ifMatch: etag, data: { ...json, name: "Lamp 2" } } }),
    (error) => error.errors[0].extensions.code === "BAD_USER_INPUT",
  );
  const stored = (await must(server, `query Read($id: ID!) { product(id: $id) { json } }`, { id })).product;
  assert.deepEqual(stored.json, { ...lamp, name: "Desk lamp", stock: 2 });
});

const CUSTOMERS = gql`
  query Customers($a: ID!, $b: ID!) {
    a: customer(id: $a) {
      id
      etag
      data {
        id
        name
      }
    }
    b: customer(id: $b) {
      id
      etag
      data {
        id
        name
      }
    }
  }
`;

test("data that has an id of its own is mixed up unless Apollo is told that it has no key", async () => {
  const [a, b] = [name("customer"), name("customer")];
  const text = `mutation Make($id: ID, $data: JSON!) { createCustomer(id: $id, data: $data) { id } }`;
  for (const [id, called] of [
    [a, "Ann"],
    [b, "Bob"],
  ]) {
    await must(server, text, { id, data: { email: `${id}@example.org`, id: "house-7", name: called } });
  }
  const names = async (client) => {
    const { data } = await client.query({ query: CUSTOMERS, variables: { a, b } });
    return [data.a.data.name, data.b.data.name];
  };
  assert.deepEqual(await names(apolloClient(server, { by: "ann", fetch })), ["Ann", "Bob"]);
  // That is what the policy is for.
  const link = new HttpLink({ uri: server.graphql, fetch });
  const careless = new ApolloClient({ link, cache: new InMemoryCache() });
  assert.deepEqual(await names(careless), ["Bob", "Bob"]);
});

import assert from "node:assert/strict";
import test from "node:test";

import { RetryLink } from "@apollo/client/link/retry";
import { retryExchange } from "@urql/exchange-retry";
import { parse } from "graphql";

import { apolloClient, urqlClient } from "./clients.mjs";
import { Server, losing, must, name } from "./support.mjs";

const server = await Server.start();

const PATCH = `mutation Patch($id: ID!, $ifMatch: String!, $patch: JSON!, $key: String) {
  patchNote(id: $id, ifMatch: $ifMatch, patch: $patch, idempotencyKey: $key) {
    id version etag json outcome { isCreated isReplayed }
  }
}`;
const REPLACE = `mutation Replace($id: ID!, $ifMatch: String!, $data: JSON!) {
  replaceNote(id: $id, ifMatch: $ifMatch, data: $data) { version }
}`;
const CREATE = `mutation Create($data: JSON!, $key: String) {
  createNote(data: $data, idempotencyKey: $key) { id version etag json outcome { isCreated isReplayed } }
}`;
const BATCH = `mutation Batch($operations: [BatchOperation!]!, $key: String) {
  batch(operations: $operations, idempotencyKey: $key) { id version document { etag outcome { isReplayed } } }
}`;

/** Clients that send again by themselves what the network lost. */
const retrying = {
  "Apollo's RetryLink": (fetch) => {
    const retry = new RetryLink({ delay: { initial: 5, jitter: false }, attempts: { max: 5 } });
    const client = apolloClient(server, { by: "ann", fetch, before: [retry] });
    return async (text, variables) => {
      const { data, error } = await client.mutate({ mutation: parse(text), variables, errorPolicy: "all" });
      return { data, errors: error?.errors ?? [] };
    };
  },
  "urql's retryExchange": (fetch) => {
    const retry = retryExchange({
      initialDelayMs: 5,
      randomDelay: false,
      maxNumberAttempts: 5,
      retryIf: (error) => !!error.networkError,
    });
    const client = urqlClient(server, { by: "ann", fetch, before: [retry] });
    return async (text, variables) => {
      const { data, error } = await client.mutation(text, variables).toPromise();
      assert.equal(error?.networkError, undefined);
      return { data, errors: error?.graphQLErrors ?? [] };
    };
  },
};

async function versions(id) {
  const text = `query Versions($id: ID!) { noteVersions(id: $id) { nodes { version } } }`;
  return (await must(server, text, { id })).noteVersions.nodes.map((it) => it.version);
}

async function make(id) {
  const text = `mutation Make($id: ID) { createNote(id: $id, data: { text: "first" }) { etag } }`;
  return (await must(server, text, { id })).createNote.etag;
}

for (const [what, client] of Object.entries(retrying)) {
  for (const losses of [1, 2]) {
    test(`${what} sends a write again whose answer was lost (${losses}): it is performed once`, async () => {
      const { fetch, requests } = losing(losses);
      const write = client(fetch);
      const id = name("note");
      const ifMatch = await make(id);
      const variables = { id, ifMatch, patch: { text: "second" }, key: name("key") };
      const { data, errors } = await write(PATCH, variables);
      assert.deepEqual(errors, []);
      assert.equal(requests.length, losses + 1);
      assert.equal(requests[0].options.body, requests.at(-1).options.body);
      const { version, json, outcome } = data.patchNote;
      assert.equal(version, 2);
      assert.equal(outcome.isReplayed, true);
      assert.deepEqual(json, { text: "second" });
      assert.deepEqual(await versions(id), [2, 1]);
      // Its etag is good for the next write.
      const etag = data.patchNote.etag;
      const next = await write(PATCH, { id, ifMatch: etag, patch: { text: "third" }, key: name("key") });
      assert.deepEqual(next.errors, []);
      assert.equal(next.data.patchNote.version, 3);
      assert.equal(next.data.patchNote.outcome.isReplayed, false);
    });
  }

  test(`${what} makes one document though it sends again what names none`, async () => {
    const { fetch, requests } = losing(1);
    const text = name("unlike any other");
    const { data, errors } = await client(fetch)(CREATE, { data: { text }, key: name("key") });
    assert.deepEqual(errors, []);
    assert.equal(requests.length, 2);
    assert.deepEqual(
      { isCreated: data.createNote.outcome.isCreated, isReplayed: data.createNote.outcome.isReplayed },
      { isCreated: true, isReplayed: true },
    );
    const found = await must(server, `query Find($where: JSON) { notes(where: $where) { nodes { id } totalCount } }`, {
      where: { text: { eq: text } },
    });
    assert.deepEqual(found.notes, { nodes: [{ id: data.createNote.id }], totalCount: 1 });
  });

  test(`${what} sends a batch again whose answer was lost: it is performed once`, async () => {
    const { fetch, requests } = losing(1);
    const ids = [name("note"), name("note")];
    const operations = ids.map((id) => ({ createNote: { id, data: { text: "first" } } }));
    const { data, errors } = await client(fetch)(BATCH, { operations, key: name("key") });
    assert.deepEqual(errors, []);
    assert.equal(requests.length, 2);
    for (const [index, id] of ids.entries()) {
      assert.equal(data.batch[index].id, id);
      assert.equal(data.batch[index].version, 1);
      assert.equal(data.batch[index].document.outcome.isReplayed, true);
      assert.deepEqual(await versions(id), [1]);
    }
  });

  test(`${what} is told without a key that its write was already applied`, async () => {
    const { fetch } = losing(1);
    const id = name("note");
    const ifMatch = await make(id);
    // Of a whole document it can be told, not of a patch.
    const { errors } = await client(fetch)(REPLACE, { id, ifMatch, data: { text: "second" } });
    assert.equal(errors[0].extensions.code, "UPDATE_CONFLICT");
    assert.equal(errors[0].extensions.problem.already_applied, true);
    assert.deepEqual(await versions(id), [2, 1]);
  });
}

test("a key is good for one write: another one under it is refused", async () => {
  const write = retrying["urql's retryExchange"](fetch);
  const id = name("note");
  const ifMatch = await make(id);
  const key = name("key");
  const first = await write(PATCH, { id, ifMatch, patch: { text: "second" }, key });
  assert.deepEqual(first.errors, []);
  const other = await write(PATCH, { id, ifMatch: first.data.patchNote.etag, patch: { text: "third" }, key });
  assert.equal(other.errors.length, 1);
  assert.equal(other.errors[0].extensions.status, 422);
  assert.deepEqual(await versions(id), [2, 1]);
});

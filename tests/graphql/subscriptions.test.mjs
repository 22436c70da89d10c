import assert from "node:assert/strict";
import test from "node:test";

import { ApolloClient, ApolloLink, InMemoryCache, Observable } from "@apollo/client/core";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { parse } from "graphql";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import { WebSocket } from "ws";

import { Queue, Server, must, name, within } from "./support.mjs";

// Apollo's link asks the global one what closed means, and this Node has none.
globalThis.WebSocket ??= WebSocket;

const PRODUCT = `subscription Product($id: ID, $since: String) {
  productChanged(id: $id, since: $since) {
    position seq id version isDeletion updatedBy paths document { id etag json data { name status } }
  }
}`;
const CHANGES = `subscription Changes($since: String) {
  changes(since: $since) {
    position collection id version isDeletion document { __typename id etag ... on Note { data } }
  }
}`;
const lamp = { name: "Lamp", status: "on_sale", stock: 3 };

/** A `fetch` that ends where it is aborted: urql leaves the rejection of an abort to nobody. */
async function quietly(url, options) {
  const { signal } = options;
  const response = await fetch(url, options);
  const body = async function* () {
    try {
      yield* response.body;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };
  const { status, statusText, headers } = response;
  return { status, statusText, headers, body: body(), text: () => response.text() };
}

/** `events` has what comes, `ends` each end of the stream: "complete", or an error. None begins again by itself. */
const followers = {
  "Apollo over graphql-ws": (server) => {
    const socket = createWsClient({
      url: server.socket,
      webSocketImpl: WebSocket,
      connectionParams: { "X-Actor": "ann" },
      retryAttempts: 0,
    });
    const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });
    return {
      follow(text, variables) {
        const [events, ends] = [new Queue(), new Queue()];
        const subscription = client.subscribe({ query: parse(text), variables }).subscribe({
          next: ({ data, error }) => (error ? ends.push(error) : events.push(data)),
          error: ends.push,
          complete: () => ends.push("complete"),
        });
        return { events, ends, stop: () => subscription.unsubscribe() };
      },
      close: async () => {
        client.stop();
        await socket.dispose();
      },
    };
  },
  "urql over graphql-sse": (server) => {
    const sse = createSseClient({ url: server.graphql, headers: { "x-actor": "ann" }, retryAttempts: 0 });
    const client = new Client({
      url: server.graphql,
      exchanges: [
        subscriptionExchange({
          forwardSubscription: (operation) => ({
            subscribe: (sink) => ({ unsubscribe: sse.subscribe(operation, sink) }),
          }),
        }),
      ],
    });
    return {
      follow(text, variables) {
        const [events, ends] = [new Queue(), new Queue()];
        const { unsubscribe } = client.subscription(text, variables).subscribe(({ data, error, hasNext }) => {
          if (error) ends.push(error);
          else if (data && hasNext !== false) events.push(data);
          else ends.push("complete");
        });
        return { events, ends, stop: unsubscribe };
      },
      close: async () => {
        sse.dispose();
      },
    };
  },
  "urql's own fetch of events": (server) => {
    const client = new Client({
      url: server.graphql,
      fetch: quietly,
      fetchOptions: { headers: { "x-actor": "ann" } },
      fetchSubscriptions: true,
      exchanges: [fetchExchange],
    });
    return {
      follow(text, variables) {
        const [events, ends] = [new Queue(), new Queue()];
        const { unsubscribe } = client.subscription(text, variables).subscribe(({ data, error, hasNext }) => {
          if (error) ends.push(error);
          else if (data && hasNext !== false) events.push(data);
          else ends.push("complete");
        });
        return { events, ends, stop: unsubscribe };
      },
      close: async () => {},
    };
  },
};

async function make(server, id, data = lamp) {
  const text = `mutation Make($id: ID, $data: ProductInput!) { createProduct(id: $id, data: $data) { etag json } }`;
  return (await must(server, text, { id, data })).createProduct;
}

async function patch(server, id, ifMatch, patch, by = "bob") {
  const text = `mutation Patch($id: ID!, $ifMatch: String!, $patch: JSON!) {
    patchProduct(id: $id, ifMatch: $ifMatch, patch: $patch) { etag version }
  }`;
  return (await must(server, text, { id, ifMatch, patch }, { by })).patchProduct;
}

async function remove(server, id, ifMatch) {
  const text = `mutation Remove($id: ID!, $ifMatch: String!) { deleteProduct(id: $id, ifMatch: $ifMatch) { version } }`;
  return (await must(server, text, { id, ifMatch })).deleteProduct;
}

async function write(server, id, data) {
  const text = `mutation Write($id: ID, $data: JSON!) { createNote(id: $id, data: $data) { etag } }`;
  return (await must(server, text, { id, data })).createNote;
}

/** Where the log ends, for streams that shall miss nothing from here on. */
async function position(server) {
  const id = name("mark");
  const follower = followers["urql over graphql-sse"](server);
  const stream = follower.follow(`subscription All { changes(since: "0") { position id } }`, {});
  await write(server, id, {});
  let last;
  do last = (await stream.events.next("the end of the log")).changes;
  while (last.id !== id);
  stream.stop();
  await follower.close();
  return last.position;
}

for (const [client, follower] of Object.entries(followers)) {
  test(`${client} follows one document through its edits and its deletion`, async (t) => {
    const server = await Server.start();
    const follow = follower(server);
    t.after(follow.close);
    const [id, other] = [name("lamp"), name("lamp")];
    const since = await position(server);
    const stream = follow.follow(PRODUCT, { id, since });
    const first = await make(server, id);
    await make(server, other);
    const second = await patch(server, id, first.etag, { name: "Lantern" });
    await remove(server, id, second.etag);
    const [created, edited, deleted] = (await stream.events.take(3)).map((it) => it.productChanged);
    assert.deepEqual([created.id, created.version, created.updatedBy], [id, 1, "setup"]);
    assert.equal(created.document.etag, first.etag);
    assert.deepEqual(created.document.json, lamp);
    assert.deepEqual([edited.version, edited.updatedBy, edited.paths], [2, "bob", ["/name"]]);
    assert.equal(edited.document.etag, second.etag);
    assert.equal(edited.document.data.name, "Lantern");
    assert.equal(edited.document.data.status, "on_sale");
    assert.deepEqual([deleted.version, deleted.isDeletion, deleted.document], [3, true, null]);
    // Nothing of the other one came in between, and nothing comes behind.
    assert.ok(stream.events.isEmpty);
    assert.ok(stream.ends.isEmpty);
    stream.stop();
  });

  test(`${client} follows a collection from now on`, async (t) => {
    const server = await Server.start();
    await make(server, name("lamp"));
    const follow = follower(server);
    t.after(follow.close);
    const stream = follow.follow(PRODUCT, {});
    // Nothing says from outside when a stream begins: it is written until something comes.
    const written = [];
    let seen;
    while (!seen) {
      const id = name("lamp");
      await make(server, id);
      written.push(id);
      seen = await stream.events.next("a change", 200).catch(() => undefined);
    }
    assert.ok(written.includes(seen.productChanged.id), "nothing of before");
    stream.stop();
  });

  test(`${client} goes on behind the last position without a gap or a repetition`, async (t) => {
    const server = await Server.start();
    const follow = follower(server);
    t.after(follow.close);
    let since = "0";
    const seen = [];
    const written = [];
    const rounds = 4;
    for (let round = 0; round < rounds; round += 1) {
      const stream = follow.follow(CHANGES, { since });
      for (let index = 0; index < 5; index += 1) {
        const id = name("note");
        await write(server, id, { round, index });
        written.push(id);
      }
      // Some it leaves unread, in all but the last round: they come first in the next.
      const count = round === rounds - 1 ? written.length - seen.length : 3;
      for (const { changes } of await stream.events.take(count)) {
        assert.equal(changes.collection, "notes");
        assert.equal(changes.document.__typename, "Note");
        assert.equal(typeof changes.document.data.round, "number");
        seen.push(changes.id);
        since = changes.position;
      }
      stream.stop();
    }
    assert.deepEqual(seen, written);
  });

  test(`${client} is told that a position is none`, async (t) => {
    const server = await Server.start();
    const follow = follower(server);
    t.after(follow.close);
    const stream = follow.follow(CHANGES, { since: "tomorrow" });
    const error = await stream.ends.next("the refusal");
    const [{ extensions }] = error.errors ?? error.graphQLErrors;
    assert.equal(extensions.code, "MALFORMED_REQUEST");
    assert.equal(extensions.status, 400);
    stream.stop();
  });

  test(`${client} sees its stream end when the server goes, and goes on with the one that comes`, async (t) => {
    const server = await Server.start();
    const follow = follower(server);
    t.after(follow.close);
    const before = follow.follow(CHANGES, { since: "0" });
    const ids = Array.from({ length: 6 }, () => name("note"));
    for (const id of ids.slice(0, 2)) await write(server, id, {});
    const seen = await before.events.take(2);
    await write(server, ids[2], {});
    const began = Date.now();
    assert.equal(await server.stop("SIGTERM"), 0);
    // It has ten seconds for requests that are under way; a stream is not to keep it for so long.
    assert.ok(Date.now() - began < 5_000, "the stream kept the server");
    await before.ends.next("the end of the stream");
    while (!before.events.isEmpty) seen.push(await before.events.next());
    before.stop();

    await server.run();
    for (const id of ids.slice(3)) await write(server, id, {});
    const after = follow.follow(CHANGES, { since: seen.at(-1).changes.position });
    seen.push(...(await after.events.take(ids.length - seen.length)));
    assert.deepEqual(
      seen.map((it) => it.changes.id),
      ids,
    );
    after.stop();
  });
}

test("graphql-ws connects again by itself, and a link has Apollo go on behind the last position", async (t) => {
  const server = await Server.start();
  const connected = new Queue();
  const closed = new Queue();
  let isConnected = false;
  // Its variables are read at each connection: so it names the last position, not the first.
  const resuming = new ApolloLink(
    (operation, forward) =>
      new Observable((observer) => {
        let { since } = operation.variables;
        operation.variables = Object.defineProperty({ ...operation.variables }, "since", {
          enumerable: true,
          get: () => since,
        });
        return forward(operation).subscribe({
          next(result) {
            since = result.data?.changes?.position ?? since;
            observer.next(result);
          },
          error: (error) => observer.error(error),
          complete: () => observer.complete(),
        });
      }),
  );
  const socket = createWsClient({
    url: server.socket,
    webSocketImpl: WebSocket,
    retryAttempts: 200,
    shouldRetry: () => true,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
    on: {
      connected() {
        isConnected = true;
        connected.push("connected");
      },
      // Attempts to connect while there is no server end, too.
      closed(event) {
        if (isConnected) closed.push(event);
        isConnected = false;
      },
    },
  });
  const client = new ApolloClient({
    link: ApolloLink.from([resuming, new GraphQLWsLink(socket)]),
    cache: new InMemoryCache(),
  });
  t.after(async () => {
    client.stop();
    await socket.dispose();
  });
  const events = new Queue();
  let subscription;
  const over = new Promise((_, reject) => {
    const end = (what) => reject(new Error(`the subscription ended: ${what}`));
    subscription = client.subscribe({ query: parse(CHANGES), variables: { since: "0" } }).subscribe({
      next: ({ data, error }) => (error ? end(error) : events.push(data.changes.id)),
      error: end,
      complete: () => end("complete"),
    });
  });
  over.catch(() => {});
  await connected.next("the first connection");
  const ids = [];
  for (let round = 0; round < 3; round += 1) {
    if (round > 0) {
      await server.stop("SIGTERM");
      const { code } = await closed.next("the end of the socket");
      assert.equal(code, 1012);
      await server.run();
      await Promise.race([connected.next("another connection", 5_000), over]);
    }
    for (let index = 0; index < 3; index += 1) {
      ids.push(name("note"));
      await write(server, ids.at(-1), {});
    }
    await events.take(3);
    assert.deepEqual(events.all, ids);
  }
  subscription.unsubscribe();
});

test("graphql-sse connects again by itself when the server comes back", async (t) => {
  const server = await Server.start();
  let connections = 0;
  const sse = createSseClient({
    url: server.graphql,
    retryAttempts: 200,
    retry: () => new Promise((resolve) => setTimeout(resolve, 20)),
    fetchFn: async (url, options) => {
      connections += 1;
      return fetch(url, options);
    },
  });
  const events = new Queue();
  // The payload is written at each connection, so the last position is what it names.
  let since = "0";
  const variables = {
    get since() {
      return since;
    },
  };
  t.after(() => sse.dispose());
  let stop;
  const over = new Promise((_, reject) => {
    const end = (what) => reject(new Error(`the subscription ended: ${what}`));
    stop = sse.subscribe(
      { query: CHANGES, variables },
      {
        next({ data }) {
          since = data.changes.position;
          events.push(data.changes.id);
        },
        error: end,
        complete: () => end("complete"),
      },
    );
  });
  over.catch(() => {});
  const ids = [name("note"), name("note")];
  await write(server, ids[0], {});
  await events.next();
  await server.stop("SIGTERM");
  await server.run();
  await write(server, ids[1], {});
  await Promise.race([events.next("what was written after the restart", 3_000), over]);
  assert.deepEqual(events.all, ids);
  assert.ok(connections > 1);
  stop();
});

test("a page follows a document by GET, as its EventSource asks", async () => {
  const server = await Server.start();
  const id = name("lamp");
  const url = new URL(server.graphql);
  url.searchParams.set("query", PRODUCT);
  url.searchParams.set("variables", JSON.stringify({ id, since: "0" }));
  const ended = new AbortController();
  const response = await fetch(url, { headers: { accept: "text/event-stream" }, signal: ended.signal });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type"), /^text\/event-stream/);
  await make(server, id);
  const event = async () => {
    let text = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const found = /^event: next\ndata: (.*)\n\n/m.exec(text);
      if (found) return JSON.parse(found[1]);
    }
    return assert.fail(`the stream ended: ${text}`);
  };
  const { data } = await within(event(), "an event");
  assert.deepEqual([data.productChanged.id, data.productChanged.version], [id, 1]);
  ended.abort();
});

test("a subscription that does not ask for events is refused with the way to ask", async () => {
  const server = await Server.start();
  const response = await fetch(server.graphql, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: CHANGES }),
    signal: AbortSignal.timeout(10_000),
  });
  assert.equal(response.status, 400);
  const { errors } = await response.json();
  assert.match(errors[0].message, /text\/event-stream/);
});

test("a socket is closed for a restart before any of its subscriptions is said to be complete", async () => {
  // A client takes `complete` for its end, and does not begin again.
  for (let round = 0; round < 3; round += 1) {
    const server = await Server.start();
    const sockets = Array.from({ length: 8 }, () => new WebSocket(server.socket, "graphql-transport-ws"));
    const said = [];
    const ends = sockets.map((socket, index) => {
      const ready = new Queue();
      const end = new Promise((resolve) => socket.on("close", (code) => resolve(code)));
      socket.on("open", () => socket.send(JSON.stringify({ type: "connection_init" })));
      socket.on("message", (text) => {
        const message = JSON.parse(text);
        if (message.type === "connection_ack") {
          for (const id of ["1", "2", "3", "4"]) {
            const payload = { query: `subscription { changes(since: "0") { id } }` };
            socket.send(JSON.stringify({ id, type: "subscribe", payload }));
          }
        } else if (message.type === "next") ready.push(message);
        else said.push({ index, message });
      });
      return { ready, end };
    });
    await write(server, name("note"), {});
    for (const { ready } of ends) await ready.take(4, "the change on each subscription");
    await server.stop("SIGTERM");
    const codes = await within(Promise.all(ends.map((it) => it.end)), "the end of all sockets");
    assert.deepEqual(new Set(codes), new Set([1012]));
    assert.deepEqual(said, []);
  }
});

import assert from "node:assert/strict";
import test from "node:test";

import { WebSocket } from "ws";

import { Queue, Server, must, name, within } from "./support.mjs";

const open = await Server.start();
const closed = await Server.start(`
[[tokens]]
name = "alice"
secret = "alice-secret"

[[tokens]]
name = "reader"
secret = "reader-secret"
rights = ["read"]
`);
const ALICE = "Bearer alice-secret";

/** A socket, spoken by hand. `said` has its messages; `end` is the code that it is closed with. */
class Talk {
  said = new Queue();

  constructor(server, { protocols = "graphql-transport-ws", headers = {}, path } = {}) {
    this.socket = new WebSocket(path ? server.socket.replace("/graphql", path) : server.socket, protocols, { headers });
    this.socket.on("message", (text) => this.said.push(JSON.parse(text)));
    this.opened = new Promise((resolve, reject) => {
      this.socket.on("open", resolve);
      this.socket.on("error", reject);
    });
    this.opened.catch(() => {});
    this.end = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** With the handshake behind it. */
  static async begun(server, { payload, ...options } = {}) {
    const talk = new Talk(server, options);
    await talk.say({ type: "connection_init", ...(payload ? { payload } : {}) });
    assert.deepEqual(await talk.said.next("connection_ack"), { type: "connection_ack" });
    return talk;
  }

  async say(message) {
    await within(this.opened, "an open socket");
    this.socket.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  subscribe(id, query, variables) {
    return this.say({ id, type: "subscribe", payload: { query, variables } });
  }

  async isClosedWith(code, milliseconds) {
    const end = await within(this.end, `the socket being closed with ${code}`, milliseconds);
    assert.equal(end.code, code, end.reason);
    assert.notEqual(end.reason, "", "a person finds out why");
  }

  async close() {
    this.socket.close(1000);
    await within(this.end, "the end of the socket");
  }
}

const ALL = `subscription All { changes(since: "0") { id version } }`;
const CREATE = `mutation Create($id: ID) { createNote(id: $id, data: { text: "here" }) { id version updatedBy } }`;
const FOLLOW = `subscription Follow($id: ID) { noteChanged(id: $id, since: "0") { id version updatedBy } }`;

// It takes ten seconds, so all others run beside it.
const tests = { concurrency: true, timeout: 40_000 };

test("sockets of graphql-transport-ws", tests, async (t) => {
  const its = [];
  const it = (what, run) => its.push(t.test(what, run));

  it("a socket without connection_init is closed with 4408 after ten seconds", async () => {
    const talk = new Talk(open);
    await within(talk.opened, "an open socket");
    const began = Date.now();
    await talk.isClosedWith(4408, 15_000);
    const took = Date.now() - began;
    assert.ok(took > 9_000 && took < 12_000, `after ${took} ms`);
  });

  it("a ping does not stand for connection_init", async () => {
    const talk = new Talk(open);
    await talk.say({ type: "ping" });
    assert.deepEqual(await talk.said.next(), { type: "pong" });
    await talk.isClosedWith(4408, 15_000);
  });

  for (const [what, message] of Object.entries({
    "no JSON": "{",
    "no object": "[]",
    "without a type": {},
    "with a type that there is not": { type: "start", id: "1", payload: {} },
    "as bytes": Buffer.from('{"type":"ping"}'),
    "subscribe without an id": { type: "subscribe", payload: { query: "{ __typename }" } },
    "subscribe with an empty id": { type: "subscribe", id: "", payload: { query: "{ __typename }" } },
    "subscribe without a payload": { type: "subscribe", id: "1" },
    "subscribe without a query": { type: "subscribe", id: "1", payload: { variables: {} } },
    "subscribe with variables that are none": {
      type: "subscribe",
      id: "1",
      payload: { query: "{ __typename }", variables: 1 },
    },
  })) {
    it(`a message ${what} closes the socket with 4400`, async () => {
      const talk = await Talk.begun(open);
      await talk.say(message);
      await talk.isClosedWith(4400);
    });
  }

  it("an operation before connection_init closes the socket with 4401", async () => {
    const talk = new Talk(open);
    await talk.subscribe("1", "{ __typename }");
    await talk.isClosedWith(4401);
  });

  // Asked for as a plain header, so that the client itself does not mind which one the server chooses.
  for (const [what, headers] of Object.entries({
    "the old subprotocol": { "sec-websocket-protocol": "graphql-ws" },
    "a subprotocol with a name like its own": { "sec-websocket-protocol": "graphql-transport-ws-2" },
    "no subprotocol": {},
  })) {
    it(`a socket of ${what} is closed with 4406`, async () => {
      const talk = new Talk(open, { protocols: [], headers });
      await talk.isClosedWith(4406);
      assert.ok(talk.said.isEmpty);
    });
  }

  it("a socket of several subprotocols has the one that the server speaks", async () => {
    const talk = new Talk(open, { protocols: ["graphql-ws", "graphql-transport-ws"] });
    await within(talk.opened, "an open socket");
    assert.equal(talk.socket.protocol, "graphql-transport-ws");
    await talk.close();
  });

  it("an id that is under way already closes the socket with 4409", async () => {
    const talk = await Talk.begun(open);
    await talk.subscribe("1", ALL);
    await talk.subscribe("1", ALL);
    await talk.isClosedWith(4409);
  });

  it("a second connection_init closes the socket with 4429", async () => {
    const talk = await Talk.begun(open);
    await talk.say({ type: "connection_init" });
    await talk.isClosedWith(4429);
  });

  it("a second connection_init closes the socket with 4429 even before the first is answered", async () => {
    const talk = new Talk(open);
    await talk.say({ type: "connection_init" });
    await talk.say({ type: "connection_init" });
    await talk.isClosedWith(4429);
  });

  it("each ping has its pong, whether connection_init came or not, and a pong has none", async () => {
    const talk = new Talk(open);
    await talk.say({ type: "ping", payload: { at: 1 } });
    assert.equal((await talk.said.next()).type, "pong");
    await talk.say({ type: "connection_init", payload: {} });
    assert.equal((await talk.said.next()).type, "connection_ack");
    await talk.say({ type: "pong" });
    await talk.say({ type: "ping" });
    assert.equal((await talk.said.next()).type, "pong");
    assert.ok(talk.said.isEmpty);
    await talk.close();
  });

  it("queries and mutations have one next and then complete; their ids are free again", async () => {
    const talk = await Talk.begun(open, { payload: { "X-Actor": "ann" } });
    for (let round = 0; round < 3; round += 1) {
      const id = name("note");
      await talk.subscribe("again", CREATE, { id });
      assert.deepEqual(await talk.said.next(), {
        id: "again",
        type: "next",
        payload: { data: { createNote: { id, version: 1, updatedBy: "ann" } } },
      });
      assert.deepEqual(await talk.said.next(), { id: "again", type: "complete" });
    }
    await talk.close();
  });

  it("what cannot be performed is an error with its faults, and no complete follows", async () => {
    const talk = await Talk.begun(open);
    for (const [query, code] of [
      ["{", "GRAPHQL_PARSE_FAILED"],
      ["{ nothing }", "GRAPHQL_VALIDATION_FAILED"],
      [`subscription { changes(since: "x") { id } }`, "MALFORMED_REQUEST"],
    ]) {
      await talk.subscribe("1", query);
      const { id, type, payload } = await talk.said.next();
      assert.deepEqual([id, type, payload[0].extensions.code], ["1", "error", code]);
      await talk.say({ type: "ping" });
      assert.deepEqual(await talk.said.next(), { type: "pong" });
    }
    await talk.close();
  });

  it("complete stops one subscription, and others go on", async () => {
    const talk = await Talk.begun(open);
    const [stopped, other] = [name("note"), name("note")];
    await talk.subscribe("stopped", FOLLOW, { id: stopped });
    await talk.subscribe("other", FOLLOW, { id: other });
    await must(open, CREATE, { id: stopped });
    assert.equal((await talk.said.next()).id, "stopped");
    await talk.say({ id: "stopped", type: "complete" });
    // Behind its pong, it is heeded.
    await talk.say({ type: "ping" });
    assert.deepEqual(await talk.said.next(), { type: "pong" });
    const patch = `mutation Patch($id: ID!) { patchNote(id: $id, ifMatch: "*", patch: { n: 1 }) { version } }`;
    await must(open, patch, { id: stopped });
    await must(open, CREATE, { id: other });
    assert.equal((await talk.said.next()).id, "other");
    // Its id is free, and a complete of what is none is passed over.
    await talk.say({ id: "never", type: "complete" });
    await talk.subscribe("stopped", "{ __typename }");
    assert.deepEqual(await talk.said.take(2), [
      { id: "stopped", type: "next", payload: { data: { __typename: "Query" } } },
      { id: "stopped", type: "complete" },
    ]);
    assert.ok(talk.said.isEmpty);
    await talk.close();
  });

  it("two subscriptions and a mutation share a socket", async () => {
    const talk = await Talk.begun(open, { payload: { "x-actor": "ann" } });
    const id = name("note");
    await talk.subscribe("one", FOLLOW, { id });
    await talk.subscribe("all", `subscription All { changes { id version updatedBy } }`);
    await talk.say({ type: "ping" });
    assert.deepEqual(await talk.said.next(), { type: "pong" });
    await talk.subscribe("write", CREATE, { id });
    const change = { id, version: 1, updatedBy: "ann" };
    const wanted = {
      "one next": { noteChanged: change },
      "all next": { changes: change },
      "write next": { createNote: change },
      "write complete": undefined,
    };
    while (Object.keys(wanted).length > 0) {
      const message = await talk.said.next(`what is still to come: ${Object.keys(wanted)}`);
      const key = `${message.id} ${message.type}`;
      // Other tests write, too.
      if (message.id === "all" && message.payload.data.changes.id !== id) continue;
      assert.ok(key in wanted, `${JSON.stringify(message)} was not to come`);
      assert.deepEqual(message.payload?.data, wanted[key]);
      delete wanted[key];
    }
    await talk.close();
  });

  it("a socket has room for 100 operations at a time", async () => {
    const talk = await Talk.begun(open);
    const follow = `subscription Follow { noteChanged(id: "nobody-writes-it") { id } }`;
    for (let index = 0; index < 100; index += 1) await talk.subscribe(String(index), follow);
    await talk.say({ type: "ping" });
    assert.deepEqual(await talk.said.next(), { type: "pong" });
    await talk.subscribe("one more", follow);
    await talk.isClosedWith(4400);
  });

  it("a name in connection_init is who writes, where there are no tokens", async () => {
    const talk = await Talk.begun(open, { payload: { "X-Actor": "carol" }, headers: { "x-actor": "dave" } });
    await talk.subscribe("1", CREATE, { id: name("note") });
    assert.equal((await talk.said.next()).payload.data.createNote.updatedBy, "carol");
    await talk.close();
  });

  for (const [what, payload] of Object.entries({
    "without Authorization": undefined,
    "with a name alone": { "X-Actor": "alice" },
    "with a token that is none": { Authorization: "Bearer guessed" },
    "with Authorization that is no text": { Authorization: { Bearer: "alice-secret" } },
  })) {
    it(`where there are tokens, connection_init ${what} closes the socket with 4403`, async () => {
      const talk = new Talk(closed);
      await talk.say({ type: "connection_init", payload });
      await talk.isClosedWith(4403);
      assert.ok(talk.said.isEmpty);
    });
  }

  for (const [what, options] of Object.entries({
    "in connection_init": { payload: { Authorization: ALICE } },
    "in connection_init, in small letters": { payload: { authorization: ALICE } },
    "as a header of the request": { headers: { authorization: ALICE } },
    "in both": { payload: { Authorization: ALICE }, headers: { authorization: ALICE } },
  })) {
    it(`a token is taken ${what}`, async () => {
      const talk = await Talk.begun(closed, options);
      const id = name("note");
      await talk.subscribe("follow", FOLLOW, { id });
      await talk.subscribe("write", CREATE, { id });
      const change = { id, version: 1, updatedBy: "alice" };
      const messages = await talk.said.take(3);
      const data = Object.fromEntries(messages.map((it) => [`${it.id} ${it.type}`, it.payload?.data]));
      assert.deepEqual(data, {
        "follow next": { noteChanged: change },
        "write next": { createNote: change },
        "write complete": undefined,
      });
      await talk.close();
    });
  }

  it("a token may do on a socket what it may do elsewhere, and no more", async () => {
    const talk = await Talk.begun(closed, { payload: { Authorization: "Bearer reader-secret" } });
    await talk.subscribe("1", CREATE, { id: name("note") });
    const { payload } = await talk.said.next();
    assert.equal(payload.data.createNote, null);
    assert.equal(payload.errors[0].extensions.status, 403);
    assert.deepEqual(await talk.said.next(), { id: "1", type: "complete" });
    await talk.subscribe("2", `{ notes { totalCount } }`);
    assert.equal(typeof (await talk.said.next()).payload.data.notes.totalCount, "number");
    await talk.close();
  });

  it("a wrong token as a header of the request is refused with 401", async () => {
    const talk = new Talk(closed, { headers: { authorization: "Bearer guessed" } });
    await assert.rejects(within(talk.opened, "a refusal"), /Unexpected server response: 401/);
  });

  for (const [what, server, headers] of [
    ["without tokens", open, {}],
    ["with tokens", closed, {}],
    ["with tokens, with one", closed, { authorization: ALICE }],
  ]) {
    it(`a page of another origin is refused with 403 by a server ${what}`, async () => {
      const talk = new Talk(server, { headers: { ...headers, origin: "https://evil.example" } });
      await assert.rejects(within(talk.opened, "a refusal"), /Unexpected server response: 403/);
    });
  }

  it("a page of the server's own origin is let in", async () => {
    const talk = await Talk.begun(open, { headers: { origin: open.url } });
    await talk.close();
  });

  it("a socket of another space has the documents of that space", async () => {
    const id = name("note");
    const attic = await Talk.begun(open, { path: "/spaces/attic/graphql" });
    await attic.subscribe("follow", FOLLOW, { id });
    await must(open, CREATE, { id });
    await attic.subscribe("write", CREATE.replace("here", "there"), { id });
    const messages = await attic.said.take(3);
    assert.equal(messages.filter((it) => it.id === "follow").length, 1);
    await attic.subscribe("read", `query Read($id: ID!) { note(id: $id) { json } }`, { id });
    assert.deepEqual((await attic.said.next()).payload.data.note.json, { text: "there" });
    await attic.close();
  });

  await Promise.all(its);
});

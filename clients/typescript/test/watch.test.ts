/** The feed of the real server, over a wire that breaks. */
import assert from "node:assert/strict";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Client, ProblemError, type Change } from "../dist/index.js";
import { bare, Proxy } from "./proxy.js";
import { folder, Server } from "./server.js";
import { noted, until } from "./tools.js";

interface Note {
  text: string;
}
const quick = () => ({ sleep: noted().sleep });

/** What is told until `count` changes came. */
async function heard<T>(feed: AsyncGenerator<Change<T>, void>, count: number): Promise<Change<T>[]> {
  const told: Change<T>[] = [];
  for await (const change of feed) {
    told.push(change);
    if (told.filter(({ kind }) => kind === "change").length === count) return told;
  }
  return told;
}

function texts(told: Change<Note>[]): (string | undefined)[] {
  return told.flatMap((change) => (change.kind === "change" ? [change.row.doc?.value.text] : []));
}

test("a feed tells what is saved, of a document, a collection and a space", async () => {
  const server = await Server.start();
  const client = new Client({ url: server.url, actor: "alice" });
  const notes = client.collection<Note>("notes");
  const feeds = [notes.watch({ id: "a" }), notes.watch(), client.changes() as AsyncGenerator<Change<Note>, void>];
  // Each is open before anything is saved.
  for (const feed of feeds) assert.equal((await feed.next()).value?.kind, "open");
  const a = await notes.create({ text: "a1" }, { id: "a" });
  await notes.create({ text: "b1" }, { id: "b" });
  await client.collection<Note>("elsewhere").create({ text: "c1" }, { id: "c" });
  const changed = await notes.put("a", { text: "a2" }, { ifMatch: a.etag });
  await notes.delete("a", { ifMatch: changed.etag });
  assert.deepEqual(texts(await heard(feeds[0] as (typeof feeds)[0], 3)), ["a1", "a2", undefined]);
  assert.deepEqual(texts(await heard(feeds[1] as (typeof feeds)[0], 4)), ["a1", "b1", "a2", undefined]);
  const all = await heard(feeds[2] as (typeof feeds)[0], 5);
  assert.deepEqual(texts(all), ["a1", "b1", "c1", "a2", undefined]);
  const second = all[3];
  assert(second?.kind === "change");
  assert.deepEqual(
    [second.collection, second.row.id, second.row.version, second.row.updatedBy, second.paths],
    ["notes", "a", 2, "alice", ["/text"]],
  );
  assert.equal(second.row.doc?.etag, changed.etag);
});

test("heads alone, and what deletions took away", async () => {
  const server = await Server.start();
  const notes = new Client({ url: server.url, ...quick() }).collection<Note>("heads");
  const first = await notes.create({ text: "0" }, { id: "often" });
  for (let n = 1; n < 20; n++) await notes.update("often", (note) => void (note.text = String(n)));
  const gone = await notes.create({ text: "gone" }, { id: "gone" });
  await notes.delete("gone", { ifMatch: gone.etag });
  const told = await heard(notes.watch({ since: "0", latest: true, include: "last" }), 2);
  const rows = told.flatMap((change) => (change.kind === "change" ? [change] : []));
  assert.deepEqual(rows.map(({ row }) => [row.id, row.version]), [["often", 20], ["gone", 2]]);
  assert.equal(rows[0]?.row.doc?.value.text, "19");
  assert.equal(rows[1]?.row.doc, undefined);
  assert.deepEqual(rows[1]?.lastData, { text: "gone" });
  assert.equal(first.version, 1);
});

test("a connection cut at any byte: without gap or repeat", async () => {
  const server = await Server.start();
  const notes = new Client({ url: server.url }).collection<Note>("notes");
  const said = ["é\n\n", "日本"];
  for (const text of said) await notes.create({ text });
  const proxy = await Proxy.before(() => server.port);
  const far = new Client({ url: proxy.url, ...quick() }).collection<Note>("notes");
  proxy.measure();
  const whole = await heard(far.watch({ since: "0" }), said.length);
  const length = Buffer.from(proxy.seen.answer, "latin1").length;
  assert(length > 500, String(length));
  const places = (told: Change<Note>[]) => told.flatMap((change) => (change.kind === "change" ? [change.place] : []));
  for (let after = 0; after < length; after++) {
    proxy.next({ kind: "cut", direction: "answer", after });
    const told = await heard(far.watch({ since: "0" }), said.length);
    assert.deepEqual(texts(told), said, `cut after ${after} bytes`);
    assert.deepEqual(places(told), places(whole));
    proxy.clear();
    proxy.sever();
  }
  // Nor at any byte of the request.
  for (let after = 0; after < 200; after += 9) {
    proxy.next({ kind: "cut", direction: "request", after });
    assert.deepEqual(texts(await heard(far.watch({ since: "0" }), said.length)), said, `request cut after ${after} bytes`);
    proxy.clear();
    proxy.sever();
  }
});

test("whoever goes on from a place misses nothing and gets nothing twice", async () => {
  const server = await Server.start();
  const notes = new Client({ url: server.url }).collection<Note>("notes");
  const said = Array.from({ length: 12 }, (_, index) => String(index));
  for (const text of said) await notes.create({ text });
  let since = "0";
  const found: unknown[] = [];
  for (let round = 0; found.length < said.length; round++) {
    // It stops after the first event, which only opens, or after one or two changes.
    let left = 1 + (round % 3);
    for await (const change of notes.watch({ since })) {
      since = change.place;
      if (change.kind === "change") found.push(change.row.doc?.value.text);
      if (--left === 0 || found.length === said.length) break;
    }
  }
  assert.deepEqual(found, said);
});

test("a busy or missing server is asked again, a refusal is told", async () => {
  const server = await Server.start(`[[tokens]]\nname = "alice"\nsecret = "s3cret"\n`);
  const proxy = await Proxy.before(() => server.port);
  const alice = new Client({ url: proxy.url, token: "s3cret", ...quick() });
  await alice.collection<Note>("notes").create({ text: "x" });
  proxy.sever();
  proxy.next({ kind: "refuse", answer: bare(503) }, { kind: "refuse", answer: bare(429) }, { kind: "refuse", answer: bare(502) });
  assert.deepEqual(texts(await heard(alice.collection<Note>("notes").watch({ since: "0" }), 1)), ["x"]);
  assert(proxy.isSpent);
  const stranger = new Client({ url: server.url, token: "wrong" }).collection<Note>("notes");
  await assert.rejects(heard(stranger.watch(), 1), (error: ProblemError) => error instanceof ProblemError && error.problem.status === 401);

  // The server is away for a while.
  await server.stop();
  const feed = alice.collection<Note>("notes").watch({ since: "0" });
  const told = heard(feed, 2);
  await server.run();
  await alice.collection<Note>("notes").create({ text: "y" });
  assert.deepEqual(texts(await told), ["x", "y"]);
});

test("a feed ends when the signal says so, and when the loop is left", async () => {
  const server = await Server.start();
  const proxy = await Proxy.before(() => server.port);
  const notes = new Client({ url: proxy.url }).collection<Note>("notes");
  const stop = new AbortController();
  const kinds: string[] = [];
  for await (const { kind } of notes.watch({ signal: stop.signal })) {
    kinds.push(kind);
    stop.abort();
  }
  assert.deepEqual(kinds, ["open"]);
  const before = new AbortController();
  before.abort();
  for await (const { kind } of notes.watch({ signal: before.signal })) assert.fail(kind);
});

test("after an older copy was put back, everything is told from the beginning", async () => {
  const server = await Server.start();
  const notes = new Client({ url: server.url, ...quick() }).collection<Note>("notes");
  await notes.create({ text: "kept" }, { id: "k" });
  await server.stop();
  const copy = join(await folder(), "copy");
  // A copy of the documents has no socket.
  await cp(server.data, copy, { recursive: true, filter: (path) => !path.endsWith(".sock") });
  await rm(join(copy, "mark"));
  await server.run();
  const feed = notes.watch({ since: "0" });
  await notes.create({ text: "lost" }, { id: "l" });
  const first: Change<Note>[] = [];
  while (texts(first).length < 2) first.push((await feed.next()).value as Change<Note>);
  assert.deepEqual(texts(first), ["kept", "lost"]);
  await server.stop();
  await rm(server.data, { recursive: true });
  await cp(copy, server.data, { recursive: true });
  await server.run();
  await notes.create({ text: "after" }, { id: "a" });
  const kinds: string[] = [];
  const again: Change<Note>[] = [];
  for await (const change of feed) {
    kinds.push(change.kind);
    again.push(change);
    if (texts(again).includes("after")) break;
  }
  assert(kinds.indexOf("reset") >= 0 && kinds.indexOf("reset") < kinds.indexOf("change"), String(kinds));
  assert.deepEqual(texts(again), ["kept", "after"]);
});

test("a connection that went silent is opened again", async () => {
  const server = await Server.start();
  const proxy = await Proxy.before(() => server.port);
  const notes = new Client({ url: proxy.url, ...quick() }).collection<Note>("notes");
  const near = new Client({ url: server.url }).collection<Note>("notes");
  const feed = notes.watch({ silentMs: 200 });
  assert.equal((await feed.next()).value?.kind, "open");
  proxy.state = "mute";
  await near.create({ text: "unheard" });
  const told = heard(feed, 1);
  // What the server says on the old connection is lost; only a new one tells it.
  const old = proxy.connections;
  await until("the silence is noticed", () => proxy.connections > old);
  proxy.state = "up";
  assert.deepEqual(texts(await told), ["unheard"]);
});

test("events are read however the bytes come", async () => {
  const stream = Buffer.from(
    [
      ": hello\r\n\r\n",
      "id: 0-x\nretry: 1000\n\n",
      'id: 1-x\nevent: change\ndata: {"seq":1,"collection":"n","id":"é日","version":1,\ndata: "etag":"\\"1\\"","data":{"text":"a: b 🙂"}}\n\n',
      ": quiet\n\n",
      'id:2-x\r\nevent:change\r\ndata:{"seq":2,"collection":"n","id":"2","version":3,"deleted":true}\r\n\r\n',
    ].join(""),
  );
  const expected = [["open", "0-x"], ["change", "1-x", "é日", "a: b 🙂"], ["change", "2-x", "2", undefined]];
  for (let cut = 0; cut <= stream.length; cut++) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const part of [stream.subarray(0, cut), stream.subarray(cut)]) if (part.length > 0) controller.enqueue(part);
      },
    });
    const client = new Client({ url: "http://x", fetch: () => Promise.resolve(new Response(body)), ...quick() });
    const told = await heard(client.collection<Note>("n").watch(), 2);
    const seen = told.map((one) => (one.kind === "change" ? [one.kind, one.place, one.row.id, one.row.doc?.value.text] : [one.kind, one.place]));
    // A comment in front may open the feed before its place is known.
    assert.deepEqual(seen.slice(-2), expected.slice(-2), `cut at ${cut}`);
    assert.equal(seen.filter(([kind]) => kind === "open").length, 1);
  }
});

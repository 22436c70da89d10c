/** Writes that wait, with the real server. */
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { Client, ProblemError, TransportError, type Draft } from "../dist/index.js";
import { Folder } from "../dist/outbox/folder.js";
import { IndexedDb, Memory, Outbox, type Kept, type News, type Storage } from "../dist/outbox/index.js";
import { bare, Proxy } from "./proxy.js";
import { folder, Server } from "./server.js";
import { bytes, store, until, versions } from "./tools.js";

interface Note {
  title: string;
  body: string;
  views?: number;
}
const START: Note = { title: "a", body: "a", views: 5 };

const server = await Server.start(`
[collections.notes.merge]
"/views" = "counter"
[[collections.notes.rules]]
name = "Titled"
check = "self.title != ''"
`);
const near = new Client({ url: server.url, actor: "bob" });
const notes = near.collection<Note>("notes");
let count = 0;

/** A wire of its own, an outbox behind it, and a document. */
async function scene(storage: Storage = new Memory(), now?: () => number) {
  const proxy = await Proxy.before(() => server.port);
  // Without a wire it gives up at once.
  const client = new Client({ url: proxy.url, actor: "alice", retry: { withinMs: 400, answerMs: 300 } });
  const outbox = new Outbox(client, storage, { ...(now && { now }), patienceMs: 5_000 });
  const { id } = await notes.create(START, { id: `n${++count}` });
  const draft = await outbox.edit<Note>("notes", id);
  const cut = () => {
    proxy.state = "down";
    proxy.sever();
  };
  const mend = () => {
    proxy.state = "up";
    proxy.sever();
  };
  return { proxy, client, outbox, storage, id, draft, cut, mend };
}

function type(draft: Draft<Note>, change: Partial<Note>): void {
  draft.change((note) => void Object.assign(note, change));
}

function at<T>(kept: Kept<T>, kind: Kept<T>["kind"]): void {
  assert.equal(kept.kind, kind, JSON.stringify(kept));
}

async function current(id: string): Promise<Note | undefined> {
  return (await notes.get(id))?.value;
}

test("with a server that answers, a save is a save", async () => {
  const { outbox, draft, id } = await scene();
  const news: News[] = [];
  const leave = outbox.subscribe((one) => news.push(one));
  at(await outbox.save(draft), "unchanged");
  await notes.update(id, (note) => void (note.body = "theirs"));
  type(draft, { title: "mine" });
  at(await outbox.save(draft), "merged");
  assert.deepEqual(draft.value, { title: "mine", body: "theirs", views: 5 });
  type(draft, { body: "mine" });
  at(await outbox.save(draft), "saved");
  leave();
  assert.deepEqual(news.map(({ kind }) => kind), ["waiting", "saved", "waiting", "saved"]);
  assert.deepEqual(await outbox.waiting(), []);
});

test("offline for a while: what was typed goes out in order, and is merged from its own base", async () => {
  const { outbox, draft, id, cut, mend } = await scene();
  cut();
  type(draft, { title: "1" });
  at(await outbox.save(draft), "queued");
  await notes.update(id, (note) => void Object.assign(note, { body: "theirs", views: 6 }));
  type(draft, { title: "2", views: 6 });
  at(await outbox.save(draft), "queued");
  const [queue] = await outbox.waiting();
  assert.equal(queue?.id, id);
  await assert.rejects(outbox.flush(), TransportError);
  mend();
  await outbox.flush();
  assert.deepEqual(await outbox.waiting(), []);
  assert.deepEqual(await current(id), { title: "2", body: "theirs", views: 7 });
  // The draft went on from what was stored.
  assert.deepEqual(draft.value, { title: "2", body: "theirs", views: 7 });
  assert.deepEqual(draft.touched, []);
});

test("what was never sent is joined into one", async () => {
  const { outbox, storage, id } = await scene();
  // Somebody else has the turn, so nothing is sent yet.
  let release = (): void => undefined;
  const busy = storage.exclusively(() => new Promise<void>((resolve) => (release = resolve)));
  const draft = await outbox.edit<Note>("notes", id);
  const saves = [];
  for (const title of ["1", "2", "3"]) {
    type(draft, { title });
    saves.push(outbox.save(draft));
  }
  saves.push(outbox.create("notes", "joined-new", START));
  await until("all is kept", async () => (await outbox.waiting()).length === 2);
  const fresh = await outbox.edit<Note>("notes", "joined-new");
  type(fresh, { title: "named" });
  saves.push(outbox.save(fresh));
  saves.push(outbox.create("notes", "joined-gone", START));
  await until("it is kept", async () => (await outbox.waiting()).length === 3);
  const gone = await outbox.edit<Note>("notes", "joined-gone");
  saves.push(outbox.delete("notes", gone.base));
  await until("it is not needed", async () => (await outbox.waiting()).length === 2);
  assert.deepEqual((await outbox.waiting()).map(({ entries }) => entries.map(({ action }) => action)), [["edit"], ["create"]]);
  release();
  await busy;
  await Promise.all(saves);
  assert.deepEqual((await versions<Note>(near, "notes", id)).map((note) => note?.title), ["a", "3"]);
  assert.deepEqual((await versions<Note>(near, "notes", "joined-new")).map((note) => note?.title), ["named"]);
  assert.deepEqual(await versions<Note>(near, "notes", "joined-gone").catch(() => []), []);
});

test("an edit that is taken back before it is sent is not sent", async () => {
  const { outbox, draft, id, storage, cut, mend } = await scene();
  let release = (): void => undefined;
  const busy = storage.exclusively(() => new Promise<void>((resolve) => (release = resolve)));
  type(draft, { title: "oops" });
  const saving = outbox.save(draft);
  await until("it is kept", async () => (await outbox.waiting()).length === 1);
  type(draft, { title: "a" });
  at(await outbox.save(draft), "unchanged");
  release();
  await busy;
  await saving;
  assert.equal((await versions<Note>(near, "notes", id)).length, 1);
  // If it was sent, it is taken back by another edit.
  cut();
  type(draft, { title: "oops" });
  at(await outbox.save(draft), "queued");
  type(draft, { title: "a" });
  at(await outbox.save(draft), "queued");
  mend();
  await outbox.flush();
  assert.equal((await current(id))?.title, "a");
});

test("the answer is lost: the counter counts once, whatever is typed meanwhile", async () => {
  const { proxy, outbox, draft, id, mend } = await scene();
  await notes.update(id, (note) => void (note.views = 6));
  type(draft, { views: 6 });
  proxy.state = "mute";
  const saving = outbox.save(draft);
  await until("it was performed", async () => (await current(id))?.views === 7);
  type(draft, { title: "typed" });
  const second = outbox.save(draft);
  await Promise.all([saving, second]);
  mend();
  await outbox.flush();
  assert.deepEqual(await current(id), { ...START, title: "typed", views: 7 });
  assert.deepEqual(draft.value, { ...START, title: "typed", views: 7 });
  assert.equal((await versions<Note>(near, "notes", id)).length, 4);
});

test("a tab is closed with a full outbox, and another goes on", async () => {
  const name = `tab-${++count}`;
  const first = await scene(new IndexedDb(name));
  first.cut();
  type(first.draft, { title: "kept" });
  at(await first.outbox.save(first.draft), "queued");
  at(await first.outbox.create("notes", `${name}-new`, START), "queued");
  first.outbox.stop();

  const second = new Outbox(near, new IndexedDb(name));
  const found = await second.edit<Note>("notes", first.id);
  assert.deepEqual(found.value, { ...START, title: "kept" });
  second.start();
  await until("all is sent", async () => (await second.waiting()).length === 0);
  second.stop();
  assert.equal((await current(first.id))?.title, "kept");
  assert.deepEqual(await current(`${name}-new`), START);
});

test("two tabs, one queue: neither undoes the other, and nothing goes out twice", async () => {
  for (const storage of [new Memory(), new IndexedDb("two"), new Folder(await folder())]) {
    const { outbox, draft, id, cut, mend, client } = await scene(storage);
    const other = new Outbox(client, storage instanceof IndexedDb ? new IndexedDb("two") : storage);
    const theirs = await other.edit<Note>("notes", id);
    cut();
    type(draft, { title: "first", views: 6 });
    at(await outbox.save(draft), "queued");
    type(theirs, { body: "second", views: 6 });
    at(await other.save(theirs), "queued");
    type(draft, { title: "third" });
    at(await outbox.save(draft), "queued");
    mend();
    await Promise.all([outbox.flush(), other.flush()]);
    await until("all is sent", async () => (await Promise.all([outbox.flush(), other.waiting()]))[1].length === 0);
    assert.deepEqual(await current(id), { title: "third", body: "second", views: 7 });
    const all = await versions<Note>(near, "notes", id);
    assert.deepEqual([all.length, all.map((note) => note?.views)], [4, [5, 6, 7, 7]]);
  }
});

test("a folder is shared by programs, and left clean", async () => {
  const path = await folder();
  const outboxes = [1, 2, 3].map(() => new Outbox(near, new Folder(path)));
  const { id } = await notes.create(START, { id: `shared${++count}` });
  await Promise.all(
    outboxes.map(async (outbox, index) => {
      for (let n = 0; n < 5; n++) {
        const draft = await outbox.edit<Record<string, unknown>>("notes", id);
        draft.change((value) => void (value[`m${index}-${n}`] = n));
        await outbox.save(draft);
      }
    }),
  );
  await until("all is sent", async () => {
    await outboxes[0]?.flush();
    return (await outboxes[0]?.waiting())?.length === 0;
  });
  const stored = (await near.collection("notes").get(id))?.value ?? {};
  assert.equal(Object.keys(stored).filter((name) => name.startsWith("m")).length, 15);
  assert.deepEqual((await readdir(path)).filter((name) => !name.endsWith(".json")), []);
});

test("an expired token pauses, and loses nothing", async () => {
  const guarded = await Server.start(`[[tokens]]\nname = "ann"\nsecret = "good"\n`);
  let token = "good";
  const client = new Client({ url: guarded.url, token: () => token });
  const outbox = new Outbox(client, new Memory());
  await client.collection<Note>("notes").create(START, { id: "1" });
  const draft = await outbox.edit<Note>("notes", "1");
  token = "expired";
  type(draft, { title: "mine" });
  at(await outbox.save(draft), "queued");
  await assert.rejects(outbox.flush(), (error: ProblemError) => error.problem.status === 401);
  assert.deepEqual(await outbox.blocked(), []);
  assert.equal((await outbox.waiting()).length, 1);
  token = "good";
  await outbox.flush();
  assert.equal((await client.collection<Note>("notes").get("1"))?.value.title, "mine");
});

test("what a rule refuses waits, keeps back only its own document, and can be mended, tried again or given up", async () => {
  const { outbox, draft, id } = await scene();
  type(draft, { title: "" });
  at(await outbox.save(draft), "queued");
  const [blocked] = await outbox.blocked();
  assert.deepEqual([blocked?.id, blocked?.held.kind, blocked?.held.kind === "refused" && blocked.held.status], [id, "refused", 409]);
  const other = await notes.create(START, { id: `free${++count}` });
  const free = await outbox.edit<Note>("notes", other.id);
  type(free, { title: "goes out" });
  at(await outbox.save(free), "saved");
  await outbox.flush();
  await outbox.retry("notes", id);
  assert.equal((await outbox.blocked()).length, 1);
  // What is mended is tried again, as one edit.
  type(draft, { title: "better" });
  at(await outbox.save(draft), "saved");
  assert.deepEqual((await versions<Note>(near, "notes", id)).map((note) => note?.title), ["a", "better"]);

  const again = await outbox.edit<Note>("notes", id);
  type(again, { title: "" });
  at(await outbox.save(again), "queued");
  await outbox.discard("notes", id);
  assert.deepEqual(await outbox.waiting(), []);
  assert.equal((await current(id))?.title, "better");

  at(await outbox.create("notes", `bad${++count}`, { ...START, title: "" }), "queued");
  const created = await outbox.edit<Note>("notes", `bad${count}`);
  type(created, { title: "named" });
  at(await outbox.save(created), "saved");
  assert.equal((await current(`bad${count}`))?.title, "named");
});

test("a busy server and a lock hold nothing", async () => {
  const { proxy, outbox, draft, id } = await scene();
  type(draft, { title: "mine" });
  proxy.sever();
  proxy.next({ kind: "refuse", answer: bare(503, "retry-after: 3600") });
  at(await outbox.save(draft), "queued");
  proxy.next({ kind: "refuse", answer: bare(429, "retry-after: 3600") });
  await assert.rejects(outbox.flush(), (error: ProblemError) => error.problem.status === 429);
  proxy.next({ kind: "refuse", answer: bare(500) });
  await outbox.flush();
  assert(proxy.isSpent);
  const lock = await notes.lock(id);
  await outbox.flush();
  assert.deepEqual([(await outbox.blocked()).length, (await outbox.waiting()).length], [0, 1]);
  await lock.release();
  await outbox.flush();
  assert.equal((await current(id))?.title, "mine");
});

test("a conflict waits until it is decided; if the head moves before, what changed is asked again", async () => {
  const { outbox, draft, id, cut, mend } = await scene();
  cut();
  type(draft, { title: "mine", body: "mine", views: 6 });
  at(await outbox.save(draft), "queued");
  await notes.update(id, (note) => void Object.assign(note, { title: "theirs", body: "theirs", views: 6 }));
  mend();
  await outbox.flush();
  assert.deepEqual((await outbox.blocked()).map((one) => [one.id, one.held.kind]), [[id, "conflict"]]);
  const found = await outbox.conflict<Note>("notes", id);
  assert.deepEqual(found?.fields.map(({ path, base, yours, current }) => [path, base, yours, current]), [["/title", "a", "mine", "theirs"], ["/body", "a", "mine", "theirs"]]);
  await notes.update(id, (note) => void (note.title = "later"));
  const again = await outbox.resolve<Note>("notes", id, { "/title": "yours", "/body": "yours" }, { current: found?.theirs?.etag ?? "" });
  assert(again.kind === "conflict");
  assert.deepEqual(again.conflict.fields.map(({ path, current }) => [path, current]), [["/title", "later"]]);
  assert.equal((await outbox.blocked()).length, 1);
  const undecided = await outbox.resolve<Note>("notes", id, { "/title": "yours" }, { current: again.conflict.theirs?.etag ?? "" });
  at(undecided, "conflict");
  const done = await outbox.resolve<Note>("notes", id, { "/title": "yours", "/body": "current" }, { current: again.conflict.theirs?.etag ?? "" });
  at(done, "merged");
  assert.deepEqual(await current(id), { title: "mine", body: "theirs", views: 7 });
  assert.deepEqual(draft.value, { title: "mine", body: "theirs", views: 7 });
  assert.deepEqual(await outbox.waiting(), []);
});

test("a decision whose answer is lost is stored once", async () => {
  const { proxy, outbox, draft, id, storage, client } = await scene();
  await notes.update(id, (note) => void Object.assign(note, { title: "theirs", views: 6 }));
  type(draft, { title: "mine", views: 6 });
  at(await outbox.save(draft), "conflict");
  const found = await outbox.conflict<Note>("notes", id);
  const before = (await versions<Note>(near, "notes", id)).length;
  proxy.next({ kind: "cut", direction: "answer", after: 0 });
  // The wire breaks at each answer from here on, until the decision was performed.
  const breaking = setInterval(() => proxy.isSpent && proxy.next({ kind: "cut", direction: "answer", after: 0 }), 1);
  const resolving = outbox.resolve<Note>("notes", id, { "/title": "yours" }, { current: found?.theirs?.etag ?? "" }).catch(() => undefined);
  await resolving;
  clearInterval(breaking);
  proxy.clear();
  // Another program goes on with it.
  const next = new Outbox(client, storage);
  await next.flush();
  if ((await next.blocked()).length > 0) await next.resolve<Note>("notes", id, { "/title": "yours" }, { current: found?.theirs?.etag ?? "" });
  assert.deepEqual(await current(id), { title: "mine", body: "a", views: 7 });
  assert.equal((await versions<Note>(near, "notes", id)).length, before + 1);
});

test("what is typed on goes on behind a conflict, and follows the decision", async () => {
  const { outbox, draft, id } = await scene();
  await notes.update(id, (note) => void (note.title = "theirs"));
  type(draft, { title: "mine" });
  at(await outbox.save(draft), "conflict");
  type(draft, { body: "more" });
  at(await outbox.save(draft), "conflict");
  const found = await outbox.conflict<Note>("notes", id);
  assert.deepEqual(found?.fields.map(({ path }) => path), ["/title"]);
  at(await outbox.resolve("notes", id, { "/title": "current" }, { current: found?.theirs?.etag ?? "" }), "merged");
  assert.deepEqual(await current(id), { title: "theirs", body: "more", views: 5 });
  assert.deepEqual(draft.value, await current(id));
});

test("a new document whose id is taken, and one that is stored already", async () => {
  const { outbox, id } = await scene();
  at(await outbox.create("notes", id, START), "saved");
  at(await outbox.create<Note>("notes", id, { title: "mine", body: "a", views: 5 }), "conflict");
  const found = await outbox.conflict<Note>("notes", id);
  assert.deepEqual(found?.fields.map(({ path, yours, current }) => [path, yours, current]), [["/title", "mine", "a"]]);
  at(await outbox.resolve("notes", id, { "/title": "yours" }, { current: found?.theirs?.etag ?? "" }), "merged");
  assert.equal((await current(id))?.title, "mine");
});

test("a document that others deleted is brought back or given up, as somebody decides", async () => {
  for (const choice of ["yours", "current"] as const) {
    const { outbox, draft, id } = await scene();
    const head = await notes.get(id);
    await notes.delete(id, { ifMatch: head?.etag ?? "" });
    type(draft, { title: "mine" });
    at(await outbox.save(draft), "conflict");
    const found = await outbox.conflict<Note>("notes", id);
    assert.equal(found?.theirs, undefined);
    assert.equal(found?.problem.kind, "deleted");
    at(await outbox.resolve<Note>("notes", id, {}, { current: "" }), "conflict");
    at(await outbox.resolve("notes", id, { "": choice }, { current: "" }), choice === "yours" ? "saved" : "unchanged");
    assert.deepEqual(await current(id), choice === "yours" ? { ...START, title: "mine" } : undefined);
    assert.deepEqual(await outbox.waiting(), []);
  }
});

test("a deletion waits, too, and is decided if somebody saved", async () => {
  const { outbox, draft, id, cut, mend } = await scene();
  cut();
  await outbox.delete("notes", draft.base);
  mend();
  await outbox.flush();
  assert.equal(await current(id), undefined);

  for (const choice of ["yours", "current"] as const) {
    const { outbox, draft, id } = await scene();
    await notes.update(id, (note) => void (note.title = "theirs"));
    await outbox.delete("notes", draft.base);
    assert.equal((await outbox.blocked())[0]?.held.kind, "conflict");
    const found = await outbox.conflict<Note>("notes", id);
    assert.deepEqual(found?.fields.map(({ path, kind }) => [path, kind]), [["", "delete-edit"]]);
    await notes.update(id, (note) => void (note.title = "later"));
    at(await outbox.resolve("notes", id, { "": choice }, { current: found?.theirs?.etag ?? "" }), "conflict");
    const again = await outbox.conflict<Note>("notes", id);
    await outbox.resolve("notes", id, { "": choice }, { current: again?.theirs?.etag ?? "" });
    assert.equal((await current(id))?.title, choice === "yours" ? undefined : "later");
    assert.deepEqual(await outbox.waiting(), []);
  }
});

test("edited, deleted, created again while offline", async () => {
  const { outbox, draft, id, cut, mend } = await scene();
  cut();
  type(draft, { title: "edited" });
  await outbox.save(draft);
  await outbox.delete("notes", draft.base);
  await outbox.create("notes", id, { ...START, title: "again" });
  mend();
  await outbox.flush();
  assert.deepEqual(await outbox.waiting(), []);
  assert.deepEqual((await versions<Note>(near, "notes", id)).map((note) => note?.title), ["a", "edited", undefined, "again"]);
});

test("after a day the server has forgotten the key: nothing is counted twice", async () => {
  let time = Date.now();
  // It was performed, and its answer was lost.
  const { proxy, outbox, draft, id, mend } = await scene(new Memory(), () => time);
  type(draft, { views: 6 });
  proxy.state = "mute";
  const saving = outbox.save(draft);
  await until("it was performed", async () => (await current(id))?.views === 6);
  at(await saving, "queued");
  mend();
  time += 25 * 3_600_000;
  await notes.update(id, (note) => void (note.body = "theirs"));
  // A key of another actor: to the server it is as if it had forgotten.
  const later = new Outbox(near, (await Promise.resolve(outbox) as unknown as { storage: Storage }).storage, { now: () => time });
  await later.flush();
  assert.deepEqual(await current(id), { ...START, views: 6, body: "theirs" });
  assert.deepEqual(await later.waiting(), []);

  // It was not: somebody has to say so.
  const lost = await scene(new Memory(), () => time);
  lost.cut();
  type(lost.draft, { views: 6, title: "mine" });
  at(await lost.outbox.save(lost.draft), "queued");
  await notes.update(lost.id, (note) => void (note.views = 6));
  time += 25 * 3_600_000;
  lost.mend();
  await lost.outbox.flush();
  assert.equal((await lost.outbox.blocked())[0]?.held.kind, "conflict");
  assert.deepEqual(await current(lost.id), { ...START, views: 6 });
  at(await lost.outbox.resolve("notes", lost.id, {}, { current: "" }), "merged");
  assert.deepEqual(await current(lost.id), { ...START, views: 7, title: "mine" });
});

test("digits that nobody touched survive the queue", async () => {
  const text = '{"id":12345678901234567890,"title":"a","body":"a","rows":[{"n":98765432109876543210},1.0]}';
  const id = `digits${++count}`;
  await store(server.url, `notes/${id}`, text);
  const { outbox, cut, mend } = await scene(new Folder(await folder()));
  const draft = await outbox.edit<Note>("notes", id);
  cut();
  type(draft, { title: "1" });
  at(await outbox.save(draft), "queued");
  type(draft, { body: "2" });
  at(await outbox.save(draft), "queued");
  await notes.update(id, (note) => void (note.views = 1));
  mend();
  await outbox.flush();
  const stored = await bytes(server.url, `notes/${id}`);
  for (const digits of ["12345678901234567890", "98765432109876543210", "1.0"]) assert(stored.includes(digits), stored);
});

test("started, it sends by itself, and says what became of it", async () => {
  const { outbox, draft, id, cut, mend } = await scene();
  cut();
  type(draft, { title: "mine" });
  at(await outbox.save(draft), "queued");
  const saved = new Promise<News>((resolve) => outbox.subscribe((news) => news.kind === "saved" && resolve(news)));
  mend();
  outbox.start();
  outbox.start();
  assert.deepEqual(await saved, { kind: "saved", collection: "notes", id });
  outbox.stop();
});

test("what the storage cannot keep is not taken for kept", async () => {
  const storage = new Memory();
  const { outbox, draft, id } = await scene(storage);
  const change = storage.change.bind(storage);
  storage.change = () => Promise.reject(new Error("the disk is full"));
  type(draft, { title: "mine" });
  await assert.rejects(outbox.save(draft), /the disk is full/);
  storage.change = change;
  at(await outbox.save(draft), "saved");
  assert.equal((await current(id))?.title, "mine");
});

test("what no server could be sent is not kept", async () => {
  const { outbox, draft } = await scene();
  for (const id of ["", ".", ".."]) await assert.rejects(outbox.create("notes", id, START), TypeError);
  assert.deepEqual(await outbox.waiting(), []);
  type(draft, { title: "b" });
  at(await outbox.save(draft), "saved");
});

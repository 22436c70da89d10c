/** What a person edits, on the real server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, ConflictError, ProblemError, type Draft, type Saved } from "../dist/index.js";
import { Server } from "./server.js";
import { bytes, store, versions } from "./tools.js";

const server = await Server.start(`
[collections.counted]
on_conflict = "merge"
[collections.counted.merge]
"/views" = "counter"
"/tags" = "set"
"/body" = "text"
[collections.short.history]
keep_versions = 1
`);
const alice = new Client({ url: server.url, actor: "alice" });
const bob = new Client({ url: server.url, actor: "bob" });

interface Article {
  title: string;
  body: string;
  due?: string;
}
const articles = alice.collection<Article>("articles");
const others = bob.collection<Article>("articles");
const START: Article = { title: "Draft", body: "Once", due: "May" };
let count = 0;

async function begun(): Promise<Draft<Article>> {
  const doc = await articles.create(START, { id: `a${++count}` });
  return articles.edit(doc);
}

function conflict<T>(saved: Saved<T>): Extract<Saved<T>, { kind: "conflict" }>["conflict"] {
  assert.equal(saved.kind, "conflict");
  return (saved as Extract<Saved<T>, { kind: "conflict" }>).conflict;
}

function stored<T>(saved: Saved<T>): Exclude<Saved<T>, { kind: "conflict" }> {
  assert.notEqual(saved.kind, "conflict", JSON.stringify(saved));
  return saved as Exclude<Saved<T>, { kind: "conflict" }>;
}

test("a save that nobody disturbs", async () => {
  const draft = await begun();
  assert.equal((await draft.save()).kind, "unchanged");
  draft.change((article) => void (article.title = "Plan"));
  assert.deepEqual(draft.touched, ["/title"]);
  const saved = stored(await draft.save());
  assert.equal(saved.kind, "saved");
  assert.equal(saved.doc.version, 2);
  assert.deepEqual(draft.touched, []);
  assert.equal(draft.base.etag, saved.doc.etag);
  assert.equal((await draft.save()).kind, "unchanged");
});

test("edits of different places are merged, and the next save undoes neither", async () => {
  const draft = await begun();
  await others.update(draft.id, (article) => void (article.due = "June"));
  draft.change((article) => void (article.title = "Plan"));
  const saved = stored(await draft.save());
  assert.equal(saved.kind, "merged");
  assert.deepEqual(saved.versions, [1, 2]);
  assert.deepEqual(draft.value, { title: "Plan", body: "Once", due: "June" });
  draft.change((article) => void (article.body = "More"));
  assert.deepEqual(stored(await draft.save()).doc.value, { title: "Plan", body: "More", due: "June" });
});

test("a conflict has three values, and a decision is stored", async () => {
  const draft = await begun();
  await others.update(draft.id, (article) => void Object.assign(article, { title: "Final", due: "June" }));
  draft.value = { title: "Plan", body: "The end", due: "July" };
  const found = conflict(await draft.save());
  assert.deepEqual(
    found.fields.map(({ path, base, yours, current, by }) => [path, base, yours, current, by]),
    [["/title", "Draft", "Plan", "Final", "bob"], ["/due", "May", "July", "June", "bob"]],
  );
  assert.deepEqual(found.base?.value, START);
  assert.deepEqual(found.mine, { title: "Plan", body: "The end", due: "July" });
  assert.deepEqual(found.theirs?.value, { title: "Final", body: "Once", due: "June" });
  assert.equal(found.theirs.updatedBy, "bob");
  assert.deepEqual(found.merged, { title: "Final", body: "The end", due: "June" });
  assert.equal(found.since[0]?.by, "bob");
  assert.match(found.logged ?? "", /_conflicts/);
  assert.deepEqual(draft.value, { title: "Plan", body: "The end", due: "July" });
  assert.equal(draft.stale, true);
  assert.deepEqual(await versions(alice, "articles", draft.id), [START, { ...START, title: "Final", due: "June" }]);

  const resolved = stored(await draft.resolve({ "/title": "yours", "/due": "current" }));
  assert.deepEqual(resolved.doc.value, { title: "Plan", body: "The end", due: "June" });
  assert.deepEqual(draft.value, resolved.doc.value);
  assert.equal(draft.stale, false);
  // Twice: there is nothing left to decide, nor to save.
  assert.equal(stored(await draft.resolve({ "/title": "yours", "/due": "current" })).doc.version, 3);
});

test("a choice can be another value, or that of the base", async () => {
  const draft = await begun();
  await others.update(draft.id, (article) => void Object.assign(article, { title: "Final", due: "June" }));
  draft.value = { title: "Plan", body: "Once", due: "July" };
  conflict(await draft.save());
  conflict(await draft.resolve({ "/title": "yours" }));
  const resolved = stored(await draft.resolve({ "/title": { value: "Both" }, "/due": "base" }));
  assert.deepEqual(resolved.doc.value, { title: "Both", body: "Once", due: "May" });
});

test("the head moves before the decision: what it changed is asked again, the rest stands", async () => {
  const draft = await begun();
  await others.update(draft.id, (article) => void Object.assign(article, { title: "Final", due: "June" }));
  draft.value = { title: "Plan", body: "Once", due: "July" };
  conflict(await draft.save());
  await others.update(draft.id, (article) => void (article.title = "Last"));
  // Also if the draft has heard of it: what was decided on is the version that the person saw.
  const head = await articles.get(draft.id);
  assert(head);
  draft.learn({ id: draft.id, version: head.version, updatedAt: "", updatedBy: "bob", doc: head });
  const again = conflict(await draft.resolve({ "/title": "yours", "/due": "yours" }));
  assert.deepEqual(again.fields.map(({ path, current }) => [path, current]), [["/title", "Last"]]);
  assert.equal((await articles.get(draft.id))?.value.due, "June");
  // Elsewhere: it does not matter.
  await others.update(draft.id, (article) => void (article.body = "Theirs"));
  const done = stored(await draft.resolve({ "/title": "yours", "/due": "yours" }));
  assert.deepEqual(done.doc.value, { title: "Plan", body: "Theirs", due: "July" });
});

test("a decision on a conflict that a preview showed", async () => {
  const draft = await begun();
  await others.update(draft.id, (article) => void (article.title = "Final"));
  draft.change((article) => void (article.title = "Plan"));
  const preview = await draft.preview();
  assert(preview.kind === "conflict");
  assert.deepEqual(preview.conflict.theirs?.value.title, "Final");
  const chosen = await draft.preview({ choices: { "/title": "yours" } });
  assert(chosen.kind === "clean");
  assert.equal(chosen.value.title, "Plan");
  assert.equal((await articles.get(draft.id))?.version, 2);
  assert.equal(stored(await draft.resolve({ "/title": "yours" })).doc.value.title, "Plan");
});

test("a preview writes nothing", async () => {
  const draft = await begun();
  assert.equal((await draft.preview()).kind, "unchanged");
  await others.update(draft.id, (article) => void (article.due = "June"));
  draft.change((article) => void (article.title = "Plan"));
  const preview = await draft.preview();
  assert(preview.kind === "clean");
  assert.deepEqual(preview.value, { title: "Plan", body: "Once", due: "June" });
  assert.equal((await articles.get(draft.id))?.version, 2);
  assert.deepEqual(draft.value, { ...START, title: "Plan" });
});

test("a refresh takes in what others saved, or leaves the draft as it is", async () => {
  const draft = await begun();
  draft.change((article) => void (article.title = "Plan"));
  await others.update(draft.id, (article) => void (article.due = "June"));
  assert.equal((await draft.refresh()).kind, "clean");
  assert.deepEqual(draft.value, { title: "Plan", body: "Once", due: "June" });
  assert.deepEqual(draft.touched, ["/title"]);
  assert.equal(draft.base.version, 2);
  assert.equal(draft.stale, false);
  await others.update(draft.id, (article) => void (article.title = "Final"));
  assert.equal((await draft.refresh()).kind, "conflict");
  assert.deepEqual(draft.value, { title: "Plan", body: "Once", due: "June" });
  assert.equal(draft.base.version, 2);
  await others.update(draft.id, (article) => void (article.title = "Draft"));
  await draft.refresh();
  assert.equal(stored(await draft.save()).kind, "saved");
});

test("typing while a save is under way stays, and is the next edit", async () => {
  const draft = await begun();
  await others.update(draft.id, (article) => void (article.due = "June"));
  draft.change((article) => void (article.title = "Plan"));
  const saving = draft.save();
  draft.change((article) => void (article.body = "typed"));
  await assert.rejects(draft.save(), TypeError);
  assert.deepEqual(stored(await saving).doc.value, { title: "Plan", body: "Once", due: "June" });
  assert.deepEqual(draft.value, { title: "Plan", body: "typed", due: "June" });
  assert.deepEqual(draft.touched, ["/body"]);
  assert.deepEqual(stored(await draft.save()).doc.value, { title: "Plan", body: "typed", due: "June" });
});

test("typing while a save is under way, where it collides with what was merged in", async () => {
  const counted = alice.collection<{ views: number; due: string }>("counted");
  const doc = await counted.create({ views: 5, due: "May" }, { id: "typed" });
  const draft = await counted.edit(doc);
  await bob.collection<{ views: number; due: string }>("counted").update("typed", (page) => void Object.assign(page, { views: 6, due: "June" }));
  draft.change((page) => void page.views++);
  const saving = draft.save();
  draft.change((page) => void (page.due = "July"));
  assert.deepEqual(stored(await saving).doc.value, { views: 7, due: "June" });
  assert.equal(draft.value.due, "July");
  const record = draft.record();
  const found = conflict(await draft.save());
  assert.deepEqual(found.fields.map(({ path, yours, current }) => [path, yours, current]), [["/due", "July", "June"]]);
  assert.equal((await counted.get("typed"))?.version, 3);
  // The same after a reload.
  const resumed = counted.resume(JSON.parse(JSON.stringify(record)) as typeof record);
  assert.deepEqual(conflict(await resumed.save()).fields.map(({ path }) => path), ["/due"]);
  // What was counted is not counted again.
  assert.deepEqual(stored(await resumed.resolve({ "/due": "yours" })).doc.value, { views: 7, due: "July" });
  assert.deepEqual(stored(await draft.save()).doc.value, { views: 7, due: "July" });
  assert.equal((await counted.get("typed"))?.version, 4);
});

test("a draft goes on after a crash", async () => {
  const draft = await begun();
  draft.change((article) => void (article.title = "Plan"));
  const record = JSON.parse(JSON.stringify(draft.record())) as ReturnType<typeof draft.record>;
  await others.update(draft.id, (article) => void (article.due = "June"));
  const resumed = articles.resume(record);
  assert.deepEqual(resumed.touched, ["/title"]);
  assert.deepEqual(stored(await resumed.save()).doc.value, { title: "Plan", body: "Once", due: "June" });
});

test("digits that nobody touched survive a merge, a decision and a refresh", async () => {
  const big = "12345678901234567890";
  const rows = `[ {"n": ${big}, "t": 1.0}, 1.50 ]`;
  const text = (title: string, due: string, body: string) => `{"id":${big},"rows":${rows},"title":"${title}","due":"${due}","body":"${body}"}`;
  const etag = await store(server.url, "articles/digits", text("a", "a", "a"));
  const draft = await articles.edit("digits");
  await store(server.url, "articles/digits", text("a", "b", "a"), etag);
  draft.change((article) => void (article.title = "b"));
  assert.equal(stored(await draft.save()).kind, "merged");
  assert.equal(count2(await bytes(server.url, "articles/digits"), big), 2);
  // A merged draft begins from the digits that are stored.
  draft.change((article) => void (article.body = "b"));
  assert.equal(stored(await draft.save()).kind, "saved");
  assert.equal(count2(await bytes(server.url, "articles/digits"), big), 2);
  // A decision.
  const now = await articles.get("digits");
  await others.update("digits", (article) => void (article.title = "theirs"));
  draft.change((article) => void (article.title = "mine"));
  conflict(await draft.save());
  stored(await draft.resolve({ "/title": "yours" }));
  // A refresh.
  await others.update("digits", (article) => void (article.due = "theirs"));
  draft.change((article) => void (article.body = "mine"));
  await draft.refresh();
  assert.equal(stored(await draft.save()).kind, "saved");
  const whole = await bytes(server.url, "articles/digits");
  assert.equal(count2(whole, big), 2, whole);
  assert(whole.includes("1.50") && whole.includes("1.0"), whole);
  // What was kept of an old version is no edit of the digits.
  assert(now);
  const old = await articles.edit(now);
  old.change((article) => void (article.due = "again"));
  conflict(await old.save());
  stored(await old.resolve({ "/due": "yours" }));
  assert.equal(count2(await bytes(server.url, "articles/digits"), big), 2);
});

function count2(text: string, part: string): number {
  return text.split(part).length - 1;
}

test("a draft tells what it knows, and the same state as long as nothing changes", async () => {
  const draft = await begun();
  let calls = 0;
  const leave = draft.subscribe(() => calls++);
  const state = draft.getSnapshot();
  assert.equal(draft.getSnapshot(), state);
  draft.value = { ...draft.value, title: "Plan" };
  assert.equal(calls, 1);
  assert.notEqual(draft.getSnapshot(), state);
  const updated = await others.update(draft.id, (article) => void (article.due = "June"));
  draft.learn({ id: "another", version: 9, updatedAt: "", updatedBy: "", doc: updated });
  assert.equal(draft.stale, false);
  draft.learn({ id: draft.id, version: 2, updatedAt: "", updatedBy: "bob", doc: updated });
  const told = draft.getSnapshot();
  assert.deepEqual([told.stale, told.touched, told.theirs, told.head?.version, told.saving], [true, ["/title"], ["/due"], 2, false]);
  draft.learn({ id: draft.id, version: 3, updatedAt: "", updatedBy: "bob" });
  assert.deepEqual([draft.head, draft.stale, draft.getSnapshot().theirs], [undefined, true, [""]]);
  leave();
  const before = calls;
  draft.value = START;
  assert.equal(calls, before);
});

test("an edit of a document that was deleted is a conflict, and stays", async () => {
  const draft = await begun();
  const head = await others.get(draft.id);
  await others.delete(draft.id, { ifMatch: head?.etag ?? "" });
  draft.change((article) => void (article.title = "Plan"));
  for (const found of [conflict(await draft.save()), await draft.preview().then((preview) => preview.kind === "conflict" && preview.conflict)]) {
    assert(found);
    assert.equal(found.theirs, undefined);
    assert.equal(found.problem.kind, "deleted");
    assert.deepEqual(found.mine, { ...START, title: "Plan" });
  }
  assert.equal(draft.head, undefined);
  assert.equal(draft.value.title, "Plan");
  // Whoever wants it back stores it as a new one.
  assert.equal((await articles.create(draft.value, { id: draft.id })).value.title, "Plan");
});

test("strategies join what both changed", async () => {
  interface Page { views: number; tags: string[]; body: string }
  const pages = alice.collection<Page>("counted");
  const doc = await pages.create({ views: 5, tags: ["a"], body: "one two three" }, { id: "joined" });
  await bob.collection<Page>("counted").update("joined", (page) => void Object.assign(page, { views: 6, tags: ["a", "b"], body: "ONE two three" }));
  const draft = await pages.edit(doc);
  draft.value = { views: 6, tags: ["a", "c"], body: "one two THREE" };
  const saved = stored(await draft.save());
  assert.equal(saved.kind, "merged");
  assert.equal(saved.doc.value.views, 7);
  assert.deepEqual([...saved.doc.value.tags].sort(), ["a", "b", "c"]);
  assert.deepEqual(draft.touched, []);
  assert.deepEqual(saved.joined, [
    { path: "/body", strategy: "text", review: true },
    { path: "/views", strategy: "counter" },
    { path: "/tags", strategy: "set" },
  ]);
});

test("a save without merging is a conflict wherever somebody was faster", async () => {
  const draft = await begun();
  await others.update(draft.id, (article) => void (article.due = "June"));
  draft.change((article) => void (article.title = "Plan"));
  const found = conflict(await draft.save({ merge: false }));
  assert.deepEqual(found.fields, []);
  assert.deepEqual(found.merged, { title: "Plan", body: "Once", due: "June" });
  assert.equal(stored(await draft.save()).kind, "merged");
});

test("what is refused leaves the draft as it was", async () => {
  const draft = await begun();
  draft.value = "no object" as unknown as Article;
  await assert.rejects(draft.save(), ProblemError);
  assert.equal(draft.getSnapshot().saving, false);
  draft.value = { ...START, title: "Plan" };
  assert.equal(stored(await draft.save()).kind, "saved");
});

test("a base that the server does not have any more: the client has it", async () => {
  const short = alice.collection<Article>("short");
  const theirs = bob.collection<Article>("short");
  const doc = await short.create(START, { id: "s" });
  const draft = await short.edit(doc);
  // Old versions go with every 64th.
  for (const due of [...Array.from({ length: 128 }, (_, n) => String(n)), "June"]) await theirs.update("s", (article) => void (article.due = due));
  assert.equal(await short.version("s", 1), undefined);
  draft.change((article) => void (article.title = "Plan"));
  const record = draft.record();
  assert.equal((await draft.preview()).kind, "clean");
  assert.deepEqual(stored(await draft.save()).doc.value, { ...START, title: "Plan", due: "June" });
  const old = short.resume({ ...record, value: { ...START, title: "Other" } });
  for (let body = 0; body < 128; body++) await theirs.update("s", (article) => void (article.body = String(body)));
  assert.equal((await old.preview()).kind, "conflict");
  assert.deepEqual(conflict(await old.save()).fields.map(({ path, base, yours, current }) => [path, base, yours, current]), [["/title", "Draft", "Other", "Plan"]]);
  assert.deepEqual(stored(await old.resolve({ "/title": "yours" })).doc.value, { title: "Other", body: "127", due: "June" });
});

test("a document that the server never had, as after the restore of a backup", async () => {
  const { id } = await articles.create(START, { id: "restored" });
  const { base } = (await articles.edit(id)).record();
  const draft = articles.resume({ id: "not-there", base, value: { ...START, title: "Plan" } });
  const found = conflict(await draft.save());
  assert.equal(found.theirs, undefined);
  assert.equal(draft.value.title, "Plan");
  await assert.rejects(articles.put("not-there", START, { ifMatch: base.etag }), ConflictError);
});

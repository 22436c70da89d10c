/** Locks, batches, the conflict log and tokens of the real server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, ConflictError, ProblemError } from "../dist/index.js";
import { Server } from "./server.js";
import { until } from "./tools.js";

const server = await Server.start();
const alice = new Client({ url: server.url, actor: "alice" });
const bob = new Client({ url: server.url, actor: "bob" });

interface Note {
  text: string;
  due?: string;
}
const notes = alice.collection<Note>("notes");
const others = bob.collection<Note>("notes");

function problem(kind: string, status: number): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof ProblemError, String(error));
    assert.deepEqual([error.problem.kind, error.problem.status], [kind, status]);
    assert(!(error instanceof ConflictError));
    return true;
  };
}

test("a lock keeps others out, is renewed, and released", async () => {
  const doc = await notes.create({ text: "a" }, { id: "locked" });
  assert.equal(await notes.lockOf("locked"), undefined);
  const lock = await notes.lock("locked", { ttlS: 60, owner: "Ann, upstairs" });
  assert.match(lock.token, /^urn:uuid:/);
  assert.deepEqual([lock.owner, lock.by], ["Ann, upstairs", "alice"]);
  const seen = await others.lockOf("locked");
  assert.deepEqual([seen?.owner, seen?.by, seen?.fencing, seen?.expiresAt], [lock.owner, "alice", lock.fencing, lock.expiresAt]);

  await assert.rejects(others.lock("locked"), problem("locked", 423));
  await assert.rejects(others.update("locked", (note) => void (note.text = "b")), problem("locked", 423));
  const draft = await others.edit(doc);
  draft.change((note) => void (note.text = "b"));
  await assert.rejects(draft.save(), problem("locked", 423));
  await assert.rejects(notes.put("locked", { text: "c" }, { ifMatch: doc.etag }), problem("locked", 423));

  const put = await notes.put("locked", { text: "c" }, { ifMatch: doc.etag, lock: lock.token });
  const mine = await notes.edit(put);
  mine.change((note) => void (note.text = "d"));
  assert.equal((await mine.save({ lock: lock.token })).kind, "saved");
  await notes.update("locked", (note) => void (note.text = "e"), { lock: lock.token });
  const before = lock.expiresAt;
  await lock.renew({ ttlS: 600 });
  assert(Date.parse(lock.expiresAt) > Date.parse(before));
  await lock.release();
  assert.equal(await notes.lockOf("locked"), undefined);
  assert.equal((await draft.save()).kind, "conflict");
  await assert.rejects(notes.update("locked", (note) => void (note.text = "f"), { lock: lock.token }), problem("lock-lost", 412));
});

test("a lock that ended is lost, also to its holder", async () => {
  const doc = await notes.create({ text: "a" }, { id: "ended" });
  const lock = await notes.lock("ended", { ttlS: 1 });
  await until("the lock ends", async () => (await notes.lockOf("ended")) === undefined);
  await assert.rejects(lock.renew(), problem("lock-lost", 412));
  await assert.rejects(notes.put("ended", { text: "b" }, { ifMatch: doc.etag, lock: lock.token }), problem("lock-lost", 412));
  const draft = await notes.edit(doc);
  draft.change((note) => void (note.text = "b"));
  await assert.rejects(draft.save({ lock: lock.token }), problem("lock-lost", 412));
  await lock.release();
  const next = await others.lock("ended");
  assert(next.fencing > lock.fencing);
  await assert.rejects(notes.lock("nowhere"), problem("not-found", 404));
});

test("a batch is performed whole", async () => {
  const a = await notes.create({ text: "a" }, { id: "batch/a".replace("/", "-") });
  const done = await alice.batch([
    { method: "PUT", collection: "notes", id: a.id, ifMatch: a.etag, body: { text: "a2" } },
    { method: "PATCH", collection: "notes", id: a.id, ifMatch: "*", body: { due: "May" } },
    { method: "POST", collection: "notes", body: { text: "new" } },
    { method: "PUT", collection: "notes", id: "b é", ifNoneMatch: "*", body: { text: "b" } },
  ]);
  assert.equal(done.kind, "performed");
  assert.deepEqual(done.results.map(({ status }) => status), [200, 200, 201, 201]);
  assert.match(done.results[2]?.headers["location"] ?? "", /\/api\/notes\//);
  assert.deepEqual(done.results[1]?.body, { text: "a2", due: "May" });
  assert.deepEqual((await notes.get("b é"))?.value, { text: "b" });
});

test("a batch of which one is refused changes nothing", async () => {
  const a = await notes.create({ text: "a" });
  const b = await notes.create({ text: "b" });
  await others.update(b.id, (note) => void (note.text = "theirs"));
  const refused = await alice.batch([
    { method: "PUT", collection: "notes", id: a.id, ifMatch: a.etag, body: { text: "a2" } },
    { method: "PUT", collection: "notes", id: b.id, ifMatch: b.etag, body: { text: "b2" } },
  ]);
  assert(refused.kind === "refused");
  assert.deepEqual([refused.operation, refused.problem.kind], [1, "stale-version"]);
  assert.deepEqual(refused.results.map((result) => result.problem?.kind), ["not-performed", "stale-version"]);
  assert.equal((await notes.get(a.id))?.version, 1);

  const each = await alice.batch(
    [
      { method: "PUT", collection: "notes", id: a.id, ifMatch: a.etag, body: { text: "a2" } },
      { method: "PUT", collection: "notes", id: b.id, ifMatch: b.etag, body: { text: "b2" } },
      { method: "DELETE", collection: "notes", id: b.id, ifMatch: "*" },
    ],
    { atomic: false },
  );
  assert.deepEqual(each.results.map(({ status }) => status), [200, 409, 204]);
  assert.equal((await notes.get(a.id))?.value.text, "a2");
  await assert.rejects(alice.batch([{ method: "PUT", collection: "notes", id: "x", prefer: "conflict=merge", ifMatch: "broken", body: {} }]).then((result) => {
    if (result.kind === "refused") throw new ProblemError(result.problem);
  }), ProblemError);
});

/** A write of alice that was refused; the id of its entry in the log. */
async function refused(id: string, value: Note): Promise<string> {
  const doc = await notes.create({ text: "a", due: "May" }, { id });
  await others.update(id, (note) => void Object.assign(note, { text: "theirs", due: "June" }));
  const thrown: unknown = await notes.put(id, value, { ifMatch: doc.etag }).catch((error: unknown) => error);
  assert(thrown instanceof ConflictError);
  return thrown.conflict.logged?.split("/").at(-1) ?? "";
}

test("the log of refused writes: list, one, resolve", async () => {
  const id = await refused("logged", { text: "mine", due: "July" });
  const page = await alice.conflicts.list({ collection: "notes", document: "logged", outcome: "open" });
  assert.equal(page.next, null);
  const [entry] = page.items;
  assert.deepEqual(
    [entry?.id, entry?.by, entry?.method, entry?.documentHref, entry?.kind, entry?.paths, entry?.baseVersion, entry?.currentVersion],
    [id, "alice", "PUT", "/api/notes/logged", "stale-version", ["/text", "/due"], 1, 2],
  );
  const whole = await alice.conflicts.get(id);
  assert.deepEqual([whole.edit, whole.base, whole.current], [
    { document: { text: "mine", due: "July" } },
    { text: "a", due: "May" },
    { text: "theirs", due: "June" },
  ]);
  assert.deepEqual(whole.conflicts?.map(({ path }) => path), ["/text", "/due"]);

  await assert.rejects(alice.conflicts.resolve(id, { choices: { "/text": "yours" }, current: 2 }), problem("stale-version", 409));
  const stored = await bob.conflicts.resolve(id, { choices: { "/text": "yours", "/due": "current" }, current: 2 });
  assert.deepEqual(stored?.value, { text: "mine", due: "June" });
  assert.equal(stored.version, 3);
  const settled = await alice.conflicts.get(id);
  assert.deepEqual([settled.outcome, settled.settledBy, settled.settledVersion], ["resolved", "bob", 3]);
  await assert.rejects(alice.conflicts.dismiss(id), problem("conflict-settled", 409));
  await assert.rejects(alice.conflicts.get("nonsense"), problem("not-found", 404));
});

test("a refused deletion can be resolved, too", async () => {
  const doc = await notes.create({ text: "a" }, { id: "doomed" });
  await others.update("doomed", (note) => void (note.text = "theirs"));
  const thrown: unknown = await notes.delete("doomed", { ifMatch: doc.etag }).catch((error: unknown) => error);
  assert(thrown instanceof ConflictError);
  const id = thrown.conflict.logged?.split("/").at(-1) ?? "";
  const entry = await alice.conflicts.get(id);
  assert.deepEqual(entry.edit, { deletion: true });
  const choices = Object.fromEntries((entry.conflicts ?? []).map(({ path }) => [path, "yours"] as const));
  assert.equal(await alice.conflicts.resolve(id, { choices, current: 2 }), undefined);
  assert.equal(await notes.get("doomed"), undefined);
});

test("the log: dismiss one, dismiss many, page by page, statistics", async () => {
  const id = await refused("given-up", { text: "mine" });
  const dismissed = await alice.conflicts.dismiss(id, { reason: "Typed into the wrong note" });
  assert.deepEqual([dismissed.outcome, dismissed.settledVersion, dismissed.settledReason], ["dismissed", null, "Typed into the wrong note"]);
  const silent = await alice.conflicts.dismiss(await refused("given-up-too", { text: "mine" }));
  assert.deepEqual([silent.outcome, silent.settledReason], ["dismissed", undefined]);
  for (let n = 0; n < 5; n++) await refused(`many-${n}`, { text: "mine" });
  let cursor: string | undefined;
  const found: string[] = [];
  do {
    const page = await alice.conflicts.list({ outcome: "open", kind: "stale-version", by: "alice", limit: 2, ...(cursor && { cursor }) });
    found.push(...page.items.map(({ document }) => document));
    cursor = page.next ?? undefined;
  } while (cursor);
  assert.deepEqual(found.filter((name) => name.startsWith("many-")), [4, 3, 2, 1, 0].map((n) => `many-${n}`));
  const stats = await alice.conflicts.stats();
  assert(stats.conflicts >= 6 && stats.open >= 5 && stats.resolved >= 1 && stats.dismissed >= 1);
  assert(stats.byDocument.some(({ document, count }) => document === "notes/many-0" && count === 1));
  assert.equal(typeof stats.medianResolutionS, "number");
  assert(stats.byPath.some(({ path, perHour }) => path === "notes/text" && perHour > 0));
  assert.equal(stats.byHour.length > 0 && typeof stats.shareMerged, "number");
  const none = await alice.conflicts.stats({ since: "2020-01-01T00:00:00Z", until: "2020-01-02T00:00:00Z" });
  assert.deepEqual([none.conflicts, none.medianResolutionS], [0, null]);
  assert.deepEqual(await alice.conflicts.dismissAll({ document: "many-1" }), { dismissed: 1, more: false });
  assert.deepEqual(await alice.conflicts.dismissAll({ document: "many-2" }, { reason: "an old import" }), { dismissed: 1, more: false });
  const [two] = (await alice.conflicts.list({ document: "many-2" })).items;
  assert.deepEqual([two?.outcome, two?.settledReason], ["dismissed", "an old import"]);
  await assert.rejects(alice.conflicts.dismissAll({}, { reason: "" }), problem("malformed", 400));
  await alice.conflicts.dismissAll({});
  assert.deepEqual((await alice.conflicts.list({ outcome: "open" })).items, []);
});

test("tokens: who is who, who may what, and a token that is fetched", async () => {
  const guarded = await Server.start(`
[[tokens]]
name = "ann"
secret = "of-ann"
[[tokens]]
name = "reader"
secret = "of-reader"
rights = ["read"]
[[tokens]]
name = "sensor"
secret = "of-sensor"
rights = ["write"]
`);
  const as = (token?: string | (() => Promise<string>)) => new Client({ url: guarded.url, ...(token && { token }) }).collection<Note>("notes");
  let asked = 0;
  const ann = as(() => Promise.resolve(asked++ < 2 ? "of-ann" : "expired"));
  const doc = await ann.create({ text: "a" }, { id: "1" });
  await assert.rejects(as().get("1"), problem("unauthenticated", 401));
  assert.equal((await as("of-reader").get("1"))?.value.text, "a");
  await assert.rejects(as("of-reader").put("1", { text: "b" }, { ifMatch: doc.etag }), problem("forbidden", 403));
  for await (const row of as("of-reader").history("1")) assert.equal(row.updatedBy, "ann");
  assert.equal((await ann.get("1"))?.version, 1);
  await assert.rejects(ann.get("1"), problem("unauthenticated", 401));
  // A preview needs no right to write.
  const draft = await as("of-reader").edit("1");
  draft.change((note) => void (note.text = "b"));
  assert.equal((await draft.preview()).kind, "clean");

  // Whoever may only write learns that somebody was faster, and no document.
  await as("of-ann").put("1", { text: "newer" }, { ifMatch: doc.etag });
  await assert.rejects(as("of-sensor").put("1", { text: "c" }, { ifMatch: doc.etag }), (error: ConflictError<Note>) => {
    assert(error instanceof ConflictError, String(error));
    assert.equal(error.conflict.theirs, undefined);
    assert.equal(error.conflict.since.at(-1)?.by, "ann");
    return true;
  });
  assert.equal((await as("of-sensor").create({ text: "s" }, { id: "2" })).version, 1);
  assert.equal((await as("of-sensor").create({ text: "s" })).version, 1);
});

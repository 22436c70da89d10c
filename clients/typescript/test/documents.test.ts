/** Documents of the real server: read, written, changed by intents, listed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, ConflictError, ProblemError } from "../dist/index.js";
import { Server } from "./server.js";
import { bytes, noted, store, until, versions } from "./tools.js";

const server = await Server.start(`
[collections.precise]
stale_status = 412
[collections.joined]
on_conflict = "merge"
[collections.people.schema]
type = "object"
required = ["email"]
properties.email = { type = "string" }
[[collections.people.unique]]
name = "email"
fields = ["/email"]
[[collections.stock.rules]]
name = "OutOfStock"
check = "self.count >= 0"
[collections.orders.lifecycle]
field = "/status"
initial = ["draft"]
[collections.orders.lifecycle.states]
draft = ["paid"]
paid = []
`);
const client = new Client({ url: server.url, actor: "alice" });
const other = new Client({ url: `${server.url}/`, actor: "bob" });

interface Note {
  text: string;
  likes?: number;
}

test("a document is created, read, replaced, patched and deleted", async () => {
  const notes = client.collection<Note>("notes");
  const created = await notes.create({ text: "Milk" });
  assert.equal(created.version, 1);
  const read = await notes.get(created.id);
  assert.deepEqual(read?.value, { text: "Milk" });
  assert.equal(read.etag, created.etag);
  assert.match(read.updatedAt, /^20\d\d-\d\d-\d\dT/);

  const put = await notes.put(created.id, { text: "Milk, eggs" }, { ifMatch: read.etag });
  const patched = await notes.patch(created.id, { likes: 1 }, { ifMatch: put.etag });
  assert.deepEqual(patched.value, { text: "Milk, eggs", likes: 1 });
  assert.equal(patched.version, 3);

  await assert.rejects(notes.put(created.id, { text: "old" }, { ifMatch: read.etag }), (error: ConflictError<Note>) => {
    assert(error instanceof ConflictError);
    assert.equal(error.problem.status, 409);
    assert.deepEqual(error.conflict.mine, { text: "old" });
    assert.deepEqual(error.conflict.theirs?.value, { text: "Milk, eggs", likes: 1 });
    assert.equal(error.conflict.theirs.etag, patched.etag);
    return true;
  });
  await assert.rejects(notes.delete(created.id, { ifMatch: read.etag }), ConflictError);
  await notes.delete(created.id, { ifMatch: patched.etag });
  assert.equal(await notes.get(created.id), undefined);
  await assert.rejects(notes.update(created.id, () => undefined), ProblemError);
});

test("an id is any text, and is taken once", async () => {
  const notes = client.collection<Note>("notes");
  for (const id of ["a b", "café", "x:y", "50%", "a?b#c", "é", "'\"&<", "..."]) {
    const created = await notes.create({ text: id }, { id });
    assert.equal(created.id, id);
    assert.deepEqual((await notes.get(id))?.value, { text: id });
    await assert.rejects(notes.create({ text: "second" }, { id }), ConflictError);
    assert.deepEqual((await notes.get(id))?.value, { text: id });
  }
  await assert.rejects(notes.get(".."), TypeError);
  await assert.rejects(notes.get(""), TypeError);
});

test("sixteen intents at once are all there", async () => {
  const counters = client.collection<{ n: number; by: string[] }>("counters");
  await counters.create({ n: 0, by: [] }, { id: "c" });
  // Each comes through in the end: as many attempts as there are rivals.
  const patient = new Client({ url: server.url, actor: "many", retry: { attempts: 60, withinMs: 60_000 } });
  const all = Array.from({ length: 16 }, (_, index) =>
    patient.collection<{ n: number; by: string[] }>("counters").update("c", (value) => {
      value.n++;
      value.by.push(String(index));
    }),
  );
  const stored = await Promise.all(all);
  assert.equal(new Set(stored.map(({ version }) => version)).size, 16);
  const last = await counters.get("c");
  assert.equal(last?.value.n, 16);
  assert.equal(last.version, 17);
  assert.equal(new Set(last.value.by).size, 16);
});

test("an intent is made again on what the refusal holds, then on what is read, and not for ever", async () => {
  const { pauses, sleep } = noted();
  const notes = new Client({ url: server.url, retry: { attempts: 5 }, sleep, random: () => 1 }).collection<Note>("notes");
  await notes.create({ text: "", likes: 0 }, { id: "hot" });
  const rival = other.collection<Note>("notes");
  const seen: unknown[] = [];
  let rivals = 2;
  const interrupted = async (note: Note) => {
    seen.push(note.likes);
    if (rivals-- > 0) await rival.update("hot", (theirs) => void (theirs.likes = (theirs.likes ?? 0) + 1));
    note.likes = (note.likes ?? 0) + 10;
  };
  assert.equal((await notes.update("hot", interrupted)).value.likes, 12);
  assert.deepEqual(seen, [0, 1, 2]);
  assert.deepEqual(pauses, [40]);

  rivals = 100;
  pauses.length = 0;
  await assert.rejects(notes.update("hot", interrupted), (error: ConflictError<Note>) => {
    assert(error instanceof ConflictError);
    assert.equal(error.attempts, 5);
    return true;
  });
  assert.deepEqual(pauses, [40, 80, 160]);
  assert.equal((await notes.get("hot"))?.value.likes, 17);
});

test("an intent that changes nothing writes nothing", async () => {
  const notes = client.collection<Note>("notes");
  await notes.create({ text: "same" }, { id: "same" });
  const kept = await notes.update("same", (note) => ({ ...note }));
  assert.equal(kept.version, 1);
  assert.equal((await notes.get("same"))?.version, 1);
});

test("digits that nobody touched survive every write", async () => {
  const text = '{ "id": 12345678901234567890, "price": 1.0, "rows": [ {"n": 98765432109876543210, "t": "a"} , 1e2 ], "text": "x" }';
  await store(server.url, "digits/u", text);
  await client.collection<{ text: string }>("digits").update("u", (value) => void (value.text = "y"));
  assert.equal(await bytes(server.url, "digits/u"), text.replace('"x"', '"y"'));
  const rows = client.collection<{ rows: unknown[] }>("digits");
  await rows.update("u", (value) => void value.rows.push("new"));
  const pushed = await bytes(server.url, "digits/u");
  assert(pushed.includes("98765432109876543210"), pushed);
  assert(pushed.includes("12345678901234567890"), pushed);
  await rows.update("u", (value) => void value.rows.shift());
  assert(!(await bytes(server.url, "digits/u")).includes("98765432109876543210"));

  // From a list and from a history, too.
  await store(server.url, "digits/l", text);
  const [listed] = (await client.collection<{ text: string }>("digits").list({ filters: { text: "x" } })).items;
  assert(listed);
  const draft = await client.collection<{ text: string }>("digits").edit(listed);
  draft.change((value) => void (value.text = "z"));
  assert.equal((await draft.save()).kind, "saved");
  assert.equal(await bytes(server.url, "digits/l"), text.replace('"x"', '"z"'));
});

test("history and single versions", async () => {
  const notes = client.collection<Note>("notes");
  const doc = await notes.create({ text: "one" }, { id: "h" });
  const second = await other.collection<Note>("notes").put("h", { text: "two" }, { ifMatch: doc.etag });
  await notes.delete("h", { ifMatch: second.etag });
  await notes.create({ text: "again" }, { id: "h" });
  const rows = [];
  for await (const row of notes.history("h")) rows.push([row.version, row.updatedBy, row.doc?.value.text]);
  assert.deepEqual(rows, [[4, "alice", "again"], [3, "alice", undefined], [2, "bob", "two"], [1, "alice", "one"]]);
  assert.deepEqual((await notes.version("h", 2))?.value, { text: "two" });
  assert.equal(await notes.version("h", 3), undefined);
  assert.equal(await notes.version("h", 99), undefined);
});

test("a history longer than a page", async () => {
  const notes = client.collection<Note>("notes");
  let { etag } = await notes.create({ text: "0" }, { id: "long" });
  for (let n = 1; n < 130; n++) ({ etag } = await notes.put("long", { text: String(n) }, { ifMatch: etag }));
  const found = await versions<Note>(client, "notes", "long");
  assert.deepEqual(found.map((note) => note?.text), Array.from({ length: 130 }, (_, n) => String(n)));
});

test("lists, page by page", async () => {
  const things = client.collection<{ n: number }>("things");
  await client.batch(Array.from({ length: 25 }, (_, n) => ({ method: "POST", collection: "things", body: { n } }) as const));
  const page = await things.list({ limit: 10, sort: ["-n"], filters: { "n.lt": "20" } });
  assert.deepEqual(page.items.map(({ value }) => value.n), [19, 18, 17, 16, 15, 14, 13, 12, 11, 10]);
  assert(page.next !== null);
  const found = [];
  for await (const { value } of things.all({ limit: 7, sort: ["n"] })) found.push(value.n);
  assert.deepEqual(found, Array.from({ length: 25 }, (_, n) => n));
  await assert.rejects(things.list({ filters: { "n.nonsense": "1" } }), ProblemError);
  const names = (await client.collections()).map(({ name, documents }) => [name, documents]);
  assert(names.some(([name, documents]) => name === "things" && documents === 25), String(names));
});

test("a list is counted, and sorted by several places", async () => {
  const pairs = client.collection<{ a: number; b: number }>("pairs");
  for (let n = 0; n < 12; n++) await pairs.create({ a: n % 3, b: n }, { id: `p${n}` });
  const page = await pairs.list({ filters: { "a.gt": "0" }, sort: ["-a", "b"], limit: 5, count: true });
  assert.equal(page.total, 8);
  assert.deepEqual(page.items.map(({ value }) => value.b), [2, 5, 8, 11, 1]);
  assert.equal((await pairs.list({ limit: 5 })).total, undefined);
});

test("what another status means: 412 is a stale version, too", async () => {
  const precise = client.collection<Note>("precise");
  const first = await precise.create({ text: "a", likes: 1 }, { id: "1" });
  await other.collection<Note>("precise").update("1", (note) => void (note.likes = 2));
  await assert.rejects(precise.put("1", { text: "b" }, { ifMatch: first.etag }), (error: ConflictError<Note>) => {
    assert(error instanceof ConflictError);
    assert.equal(error.problem.status, 412);
    assert.equal(error.conflict.theirs?.value.likes, 2);
    return true;
  });
  let isInterrupted = false;
  const updated = await precise.update("1", async (note) => {
    if (!isInterrupted) await other.collection<Note>("precise").update("1", (theirs) => void (theirs.likes = 3));
    isInterrupted = true;
    note.text = "c";
  });
  assert.deepEqual(updated.value, { text: "c", likes: 3 });
  const draft = await precise.edit(first);
  draft.change((note) => void (note.text = "mine"));
  const saved = await draft.save();
  assert(saved.kind === "conflict");
  assert.deepEqual(saved.conflict.fields.map(({ path }) => path), ["/text"]);
  const resolved = await draft.resolve({ "/text": "yours" });
  assert(resolved.kind === "merged");
  assert.deepEqual(resolved.doc.value, { text: "mine", likes: 3 });
});

test("an intent is not merged where the collection merges", async () => {
  const joined = client.collection<{ n: number; other?: number }>("joined");
  await joined.create({ n: 0 }, { id: "1" });
  let isInterrupted = false;
  const done = await joined.update("1", async (value) => {
    if (!isInterrupted) await other.collection<{ n: number }>("joined").update("1", (theirs) => void theirs.n++);
    isInterrupted = true;
    value.n++;
  });
  assert.deepEqual(done.value, { n: 2 });
});

test("a refusal by a rule is told once, and never tried again", async () => {
  let requests = 0;
  const counting: typeof fetch = (input, init) => {
    requests++;
    return fetch(input, init);
  };
  const counted = new Client({ url: server.url, fetch: counting });
  const refused = async (work: () => Promise<unknown>, status: number, kind: string, error?: string) => {
    requests = 0;
    await assert.rejects(work(), (thrown: ProblemError) => {
      assert(thrown instanceof ProblemError);
      assert(!(thrown instanceof ConflictError));
      assert.equal(thrown.problem.status, status);
      assert.equal(thrown.problem.kind, kind);
      if (error) assert.equal(thrown.problem.body["error"], error);
      return true;
    });
    return requests;
  };
  const people = counted.collection<{ email?: string }>("people");
  assert.equal(await refused(() => people.create({}, { id: "x" }), 422, "invalid-document"), 1);
  await people.create({ email: "a@x" }, { id: "a" });
  const b = await people.create({ email: "b@x" }, { id: "b" });
  assert.equal(await refused(() => people.create({ email: "a@x" }, { id: "c" }), 409, "duplicate-entry"), 1);
  assert.equal(await refused(() => people.update("b", (person) => void (person.email = "a@x")), 409, "duplicate-entry"), 2);
  const draft = await people.edit(b);
  draft.value = { email: "a@x" };
  assert.equal(await refused(() => draft.save(), 409, "duplicate-entry"), 1);
  assert.deepEqual(draft.value, { email: "a@x" });

  const stock = counted.collection<{ count: number }>("stock");
  await stock.create({ count: 1 }, { id: "lamp" });
  await stock.update("lamp", (lamp) => void lamp.count--);
  assert.equal(await refused(() => stock.update("lamp", (lamp) => void lamp.count--), 409, "state-conflict", "OutOfStock"), 2);
  const orders = counted.collection<{ status: string }>("orders");
  await orders.create({ status: "draft" }, { id: "o" });
  await orders.update("o", (order) => void (order.status = "paid"));
  assert.equal(await refused(() => orders.update("o", (order) => void (order.status = "draft")), 409, "state-conflict"), 2);
});

test("spaces are apart", async () => {
  const apart = new Client({ url: server.url, space: "tenant-a" });
  await apart.collection<Note>("notes").create({ text: "mine" }, { id: "only-here" });
  assert.equal(await client.collection("notes").get("only-here"), undefined);
  assert.equal((await apart.collection<Note>("notes").get("only-here"))?.value.text, "mine");
  const done = await apart.batch([{ method: "PUT", collection: "notes", id: "b", body: { text: "b" } }]);
  assert.equal(done.kind, "performed");
  assert.equal((await apart.collection<Note>("notes").list()).items.length, 2);
});

test("a large document is read compressed, and its tag names the version all the same", async () => {
  const notes = client.collection<Note>("notes");
  await notes.create({ text: "lorem ".repeat(1000) }, { id: "large" });
  const read = await notes.get("large");
  assert(read && !read.etag.includes("gzip"));
  const draft = await notes.edit("large");
  draft.change((note) => void (note.likes = 1));
  assert.equal((await draft.save()).kind, "saved");
  assert.equal(draft.stale, false);
});

test("whoever gives up, gives up at once", async () => {
  const notes = client.collection<Note>("notes");
  const given = new AbortController();
  given.abort(new Error("enough"));
  await assert.rejects(notes.get("hot", { signal: given.signal }), /enough/);
  await assert.rejects(notes.update("hot", () => undefined, { signal: given.signal }), /enough/);
  const during = new AbortController();
  const pausing = new Client({ url: server.url, random: () => 1, retry: { firstMs: 60_000, capMs: 60_000, withinMs: 600_000 } });
  const rival = other.collection<Note>("notes");
  let tries = 0;
  const work = pausing.collection<Note>("notes").update(
    "hot",
    async (note) => {
      tries++;
      await rival.update("hot", (theirs) => void (theirs.likes = (theirs.likes ?? 0) + 1));
      note.text = "never";
    },
    { signal: during.signal },
  );
  void until("the second try", () => tries >= 2).then(() => during.abort(new Error("stop")));
  await assert.rejects(work, /stop/);
  assert.equal((await notes.get("hot"))?.value.text === "never", false);
});

test("an actor has any name", async () => {
  for (const name of ["Zoë", "Łukasz", "李"]) {
    const named = new Client({ url: server.url, actor: name, retry: { withinMs: 500 } });
    const { id } = await named.collection<Note>("notes").create({ text: name });
    for await (const row of client.collection<Note>("notes").history(id)) assert.equal(row.updatedBy, name);
  }
});

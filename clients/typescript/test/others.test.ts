/** Servers that are not Detente: one with tags alone, one that keeps its version in the body. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import { after, test } from "node:test";
import { versionInBody } from "../dist/adapter.js";
import { Client, ConflictError, ProblemError, TransportError, type Draft, type Saved } from "../dist/core/index.js";
import { Memory, Outbox } from "../dist/outbox/index.js";
import { bare, Proxy } from "./proxy.js";
import { noted } from "./tools.js";

interface Item {
  title: string;
  body: string;
  stock: number;
  tags?: string[];
  version?: number;
}
const START: Item = { title: "a", body: "a", stock: 1 };

/** What all have in common: documents as texts, numbered. */
abstract class Other {
  readonly documents = new Map<string, { version: number; text: string }>();
  readonly history: string[] = [];
  port = 0;
  readonly #server: HttpServer;

  constructor() {
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => this.answer(request, response, decodeURIComponent(request.url?.split("/").at(-1) ?? ""), body));
    });
    after(() => this.#server.close());
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as { port: number }).port;
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  put(id: string, text: string): void {
    this.history.push(text);
    this.documents.set(id, { version: (this.documents.get(id)?.version ?? 0) + 1, text });
  }

  abstract answer(request: IncomingMessage, response: ServerResponse, id: string, body: string): void;
}

/** It answers 412 without a word, knows neither keys nor merging, and gives no tag with the answer to a PUT. */
class Tags extends Other {
  requests = 0;

  answer({ method = "", headers }: IncomingMessage, response: ServerResponse, id: string, body: string): void {
    this.requests++;
    const end = (status: number, text = "", fields: Record<string, string> = {}) => response.writeHead(status, fields).end(text);
    const found = this.documents.get(id);
    const tag = found && `"v${found.version}"`;
    if (method === "GET" || method === "HEAD") return void (found ? end(200, found.text, { etag: tag as string }) : end(404));
    if (method === "POST") return void end(405);
    if (headers["if-none-match"] === "*" && found) return void end(412, "Precondition Failed");
    if (headers["if-match"] !== undefined && ![tag, "*"].includes(headers["if-match"])) return void end(412, "Precondition Failed");
    if (method === "DELETE") {
      this.documents.delete(id);
      return void end(found ? 204 : 404);
    }
    if (method === "PUT" && (JSON.parse(body) as Item).stock < 0) return void end(422, "no");
    this.put(id, body);
    end(found ? 204 : 201);
  }
}

/** It compares a member of the body, and answers 409 to all that it does not like. */
class Bodies extends Other {
  answer({ method = "" }: IncomingMessage, response: ServerResponse, id: string, body: string): void {
    const end = (status: number, text = "") => response.writeHead(status, { "content-type": "application/json" }).end(text);
    const found = this.documents.get(id);
    if (method === "GET") return void (found ? end(200, found.text) : end(404));
    if (method !== "PUT") return void end(405);
    const sent = JSON.parse(body) as Item;
    const version = found?.version ?? 0;
    if (found && sent.version !== version) return void end(409, "conflict");
    if (sent.stock < 0) return void end(409, "conflict");
    const next = `"version": ${version + 1}`;
    const text = /"version": ?\d+/.test(body) ? body.replace(/"version": ?\d+/, next) : body.replace(/^\{/, `{${next}, `);
    this.put(id, text);
    end(200, text);
  }
}

function conflict<T>(saved: Saved<T>) {
  assert(saved.kind === "conflict", JSON.stringify(saved));
  return saved.conflict;
}

function stored<T>(saved: Saved<T>) {
  assert(saved.kind !== "conflict", JSON.stringify(saved));
  return saved;
}

for (const kind of ["tags", "bodies"] as const) {
  const other = await (kind === "tags" ? new Tags() : new Bodies()).listen();
  const proxy = await Proxy.before(() => other.port);
  const clientOf = (url: string, sleep = noted().sleep) => {
    const fetch = kind === "tags" ? undefined : versionInBody({ member: "version" });
    return new Client({ url, path: "v2", sleep, ...(fetch && { fetch }) });
  };
  const near = clientOf(other.url);
  const items = clientOf(proxy.url).collection<Item>("items");
  const rival = near.collection<Item>("items");
  const plain = ({ version: _, ...item }: Item): Item => item;
  let count = 0;

  const fresh = (): string => {
    const id = `${kind}${++count}`;
    other.put(id, JSON.stringify(kind === "tags" ? START : { version: 1, ...START }));
    other.history.length = 0;
    return id;
  };
  const begun = (id = fresh()): Promise<Draft<Item>> => items.edit(id);

  test(`${kind}: read, create, replace`, async () => {
    const id = fresh();
    const doc = await items.get(id);
    assert(doc && plain(doc.value).title === "a");
    assert.equal(await items.get("nothing"), undefined);
    const put = await items.put(id, { ...doc.value, title: "b" }, { ifMatch: doc.etag });
    assert.equal(put.value.title, "b");
    assert.notEqual(put.etag, doc.etag);
    await assert.rejects(items.put(id, { ...doc.value, title: "c" }, { ifMatch: doc.etag }), (error: ConflictError<Item>) => {
      assert(error instanceof ConflictError);
      assert.equal(error.conflict.theirs?.value.title, "b");
      return true;
    });
    if (kind === "tags") {
      const made = await items.create(START, { id: "made" });
      assert.deepEqual(made.value, START);
      await assert.rejects(items.create(START, { id: "made" }), ConflictError);
      await items.delete("made", { ifMatch: made.etag });
      assert.equal(await items.get("made"), undefined);
    }
  });

  test(`${kind}: intents at once are all there`, async () => {
    const id = fresh();
    const many = new Client({ url: other.url, path: "v2", retry: { attempts: 60, withinMs: 30_000, capMs: 50 }, ...(kind === "bodies" && { fetch: versionInBody({ member: "version" }) }) });
    await Promise.all(Array.from({ length: 12 }, () => many.collection<Item>("items").update(id, (item) => void item.stock++)));
    assert.equal((await rival.get(id))?.value.stock, 13);
    assert.equal(other.history.length, 12);
  });

  test(`${kind}: a rule is told, and not tried again`, async () => {
    const id = fresh();
    let tries = 0;
    await assert.rejects(
      items.update(id, (item) => {
        tries++;
        item.stock = -1;
      }),
      (error: unknown) => error instanceof ProblemError && !(error instanceof ConflictError),
    );
    assert.equal(tries, 1);
    assert.equal(other.history.length, 0);
    const draft = await begun();
    draft.change((item) => void (item.stock = -1));
    await assert.rejects(draft.save(), (error: unknown) => error instanceof ProblemError && !(error instanceof ConflictError));
  });

  test(`${kind}: disjoint edits go together, and nothing is undone by the next save`, async () => {
    const draft = await begun();
    await rival.update(draft.id, (item) => void (item.body = "theirs"));
    draft.change((item) => void (item.title = "mine"));
    const preview = await draft.preview();
    assert(preview.kind === "clean");
    assert.deepEqual(plain(preview.value), { ...START, title: "mine", body: "theirs" });
    const saved = stored(await draft.save());
    assert.equal(saved.kind, "merged");
    assert.deepEqual(plain(saved.doc.value), { ...START, title: "mine", body: "theirs" });
    draft.change((item) => void (item.stock = 2));
    assert.deepEqual(plain(stored(await draft.save()).doc.value), { title: "mine", body: "theirs", stock: 2 });
    assert.deepEqual(draft.touched, []);
  });

  test(`${kind}: what collides is a conflict, and is decided; if the head moves before, it is asked again`, async () => {
    const draft = await begun();
    await rival.update(draft.id, (item) => void Object.assign(item, { title: "theirs", body: "theirs" }));
    draft.change((item) => void Object.assign(item, { title: "mine", stock: 2 }));
    const found = conflict(await draft.save());
    assert.deepEqual(found.fields.map(({ path, base, yours, current }) => [path, base, yours, current]), [["/title", "a", "mine", "theirs"]]);
    assert.deepEqual(plain(found.merged), { title: "theirs", body: "theirs", stock: 2 });
    assert.deepEqual(plain(found.theirs?.value as Item), { title: "theirs", body: "theirs", stock: 1 });
    await rival.update(draft.id, (item) => void (item.title = "later"));
    const again = conflict(await draft.resolve({ "/title": "yours" }));
    assert.deepEqual(again.fields.map(({ current }) => current), ["later"]);
    const saved = stored(await draft.resolve({ "/title": { value: "both" } }));
    assert.deepEqual(plain(saved.doc.value), { title: "both", body: "theirs", stock: 2 });
    assert.equal(draft.stale, false);
  });

  test(`${kind}: a refresh`, async () => {
    const draft = await begun();
    draft.change((item) => void (item.title = "mine"));
    await rival.update(draft.id, (item) => void (item.body = "theirs"));
    await draft.refresh();
    assert.deepEqual(plain(draft.value), { ...START, title: "mine", body: "theirs" });
    assert.deepEqual(draft.touched, ["/title"]);
    assert.equal(stored(await draft.save()).kind, "saved");
  });

  test(`${kind}: digits that nobody touched stay`, async () => {
    const id = fresh();
    const text = (title: string, version: string) => `{${version}"id": 12345678901234567890, "title": "${title}", "rows": [{"n": 98765432109876543210, "t": 1.0}]}`;
    other.documents.set(id, { version: 1, text: text("a", kind === "tags" ? "" : '"version": 1, ') });
    const draft = await begun(id);
    await rival.update(id, (item) => void (item.body = "theirs"));
    draft.change((item) => void (item.title = "mine"));
    stored(await draft.save());
    draft.change((item) => void ((item as unknown as { rows: unknown[] }).rows.push(1)));
    await rival.update(id, (item) => void (item.stock = 7));
    stored(await draft.save());
    const now = other.documents.get(id)?.text ?? "";
    for (const digits of ["12345678901234567890", "98765432109876543210", "1.0"]) assert(now.includes(digits), now);
  });

  test(`${kind}: a lost answer is looked after, or is uncertain`, async () => {
    for (const direction of ["request", "answer"] as const) {
      const id = fresh();
      const draft = await begun(id);
      draft.change((item) => void (item.title = "mine"));
      proxy.next({ kind: "cut", direction, after: 0 });
      const saved = await draft.save().catch((error: unknown) => error);
      // The version in the body is another than what was sent: whether it was ours cannot be known for certain there.
      if (kind === "bodies" && direction === "answer") assert(saved instanceof TransportError && saved.uncertain, String(saved));
      else assert.equal((saved as Saved<Item>).kind, "saved");
      assert.equal(other.history.length, 1);
      assert.equal((await rival.get(id))?.value.title, "mine");
    }
    // Somebody saved in between: nobody can know.
    const id = fresh();
    let isSaved = false;
    const slow = clientOf(proxy.url, async () => {
      if (!isSaved) await rival.update(id, (item) => void (item.body = "theirs"));
      isSaved = true;
    }).collection<Item>("items");
    const doc = await items.get(id);
    assert(doc);
    proxy.next({ kind: "cut", direction: "answer", after: 0 });
    await assert.rejects(slow.put(id, { ...doc.value, title: "mine" }, { ifMatch: doc.etag }), (error: unknown) => error instanceof TransportError && error.uncertain);
    assert.equal(other.history.length, 2);
    proxy.clear();
  });

  test(`${kind}: an intent whose answer is lost is not made twice`, async () => {
    const id = fresh();
    proxy.sever();
    for (let n = 0; n < 3; n++) {
      const doc = await items.get(id);
      proxy.next({ kind: "cut", direction: "answer", after: 200 });
      await items.update(id, (item) => void item.stock++).catch((error: unknown) => assert(error instanceof TransportError));
      proxy.clear();
      assert((await rival.get(id))?.value.stock as number <= (doc?.value.stock ?? 0) + 1);
    }
    assert.equal((await rival.get(id))?.value.stock, other.history.length + 1);
  });

  test(`${kind}: an outbox decides conflicts there, too`, async () => {
    const outbox = new Outbox(near, new Memory());
    const id = fresh();
    const draft = await outbox.edit<Item>("items", id);
    await rival.update(id, (item) => void (item.title = "theirs"));
    draft.change((item) => void Object.assign(item, { title: "mine", stock: 3 }));
    assert.equal((await outbox.save(draft)).kind, "conflict");
    const found = await outbox.conflict<Item>("items", id);
    assert.deepEqual(found?.fields.map(({ path }) => path), ["/title"]);
    const done = await outbox.resolve<Item>("items", id, { "/title": "yours" }, { current: found?.theirs?.etag ?? "" });
    assert.equal(done.kind, "merged", JSON.stringify(done));
    assert.deepEqual(plain((await rival.get(id))?.value as Item), { title: "mine", body: "a", stock: 3 });
    assert.deepEqual(await outbox.waiting(), []);
  });
}

test("tags: a deletion whose answer is lost has been performed", async () => {
  const other = await new Tags().listen();
  const proxy = await Proxy.before(() => other.port);
  const items = new Client({ url: proxy.url, path: "v2", sleep: noted().sleep }).collection<Item>("items");
  other.put("1", JSON.stringify(START));
  const doc = await items.get("1");
  proxy.next({ kind: "cut", direction: "answer", after: 0 });
  await items.delete("1", { ifMatch: doc?.etag ?? "" });
  assert.equal(other.documents.size, 0);
});

test("tags: a write without a condition is not sent twice", async () => {
  const other = await new Tags().listen();
  const proxy = await Proxy.before(() => other.port);
  const items = new Client({ url: proxy.url, path: "v2", sleep: noted().sleep }).collection<Item>("items");
  other.put("1", JSON.stringify(START));
  await items.get("1");
  proxy.next({ kind: "replace", answer: bare(504) });
  await assert.rejects(items.put("1", { ...START, title: "b" }, { ifMatch: "*" }), (error: unknown) => error instanceof TransportError && error.uncertain);
  assert.equal(other.history.length, 2);
});

test("a server without tags is told at once", async () => {
  const client = new Client({ url: "http://x", fetch: () => Promise.resolve(new Response("{}")) });
  await assert.rejects(client.collection("items").get("1"), TransportError);
});

/** A wire that breaks between the client and the real server: nothing is lost, and nothing is done twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, ProblemError, TransportError } from "../dist/index.js";
import { bare, Proxy } from "./proxy.js";
import { Server } from "./server.js";
import { noted, until, versions } from "./tools.js";

interface Page {
  n: number;
  title: string;
}

const server = await Server.start(`
[collections.pages.merge]
"/n" = "counter"
`);
const proxy = await Proxy.before(() => server.port);
const near = new Client({ url: server.url, actor: "bob" });
const far = new Client({ url: proxy.url, actor: "alice", sleep: noted().sleep });
const pages = far.collection<Page>("pages");
const direct = near.collection<Page>("pages");
let count = 0;

function reset(): void {
  proxy.clear();
  proxy.state = "up";
  proxy.sever();
}

async function fresh(): Promise<string> {
  return (await direct.create({ n: 5, title: "a" }, { id: `p${++count}` })).id;
}

/** Every place at which one exchange can be cut; `step` bytes apart. */
async function everywhere(step: number, work: () => Promise<() => Promise<void>>): Promise<number> {
  reset();
  proxy.measure();
  // Whether the server keeps keys is asked once, and is known from here on.
  proxy.next({ kind: "cut", direction: "answer", after: 0 });
  await (await work())();
  proxy.measure();
  const begin = await work();
  proxy.measure();
  await begin();
  const lengths = { request: proxy.seen.request.length, answer: proxy.seen.answer.length };
  let struck = 0;
  for (const direction of ["request", "answer"] as const) {
    for (let after = 0; after < lengths[direction]; after += step) {
      reset();
      const run = await work();
      proxy.next({ kind: "cut", direction, after });
      try {
        await run();
      } catch (error) {
        throw new Error(`${direction} cut after ${after} of ${lengths[direction]} bytes`, { cause: error });
      }
      if (proxy.isSpent) struck++;
    }
  }
  reset();
  return struck;
}

test("an intent, cut at any byte, is performed once", async () => {
  const struck = await everywhere(5, async () => {
    const id = await fresh();
    return async () => {
      assert.deepEqual((await pages.update(id, (page) => void page.n++)).value, { n: 6, title: "a" });
      assert.deepEqual(await versions<Page>(near, "pages", id), [{ n: 5, title: "a" }, { n: 6, title: "a" }]);
    };
  });
  assert(struck > 150, String(struck));
});

test("one write, cut at each byte of request and answer, is performed once", async () => {
  const struck = await everywhere(1, async () => {
    const id = await fresh();
    return async () => {
      assert.equal((await pages.patch(id, { n: 6 }, { ifMatch: "*" })).version, 2);
      assert.equal((await versions<Page>(near, "pages", id)).length, 2);
    };
  });
  assert(struck > 400, String(struck));
});

test("a save that is merged, cut anywhere: nothing is counted twice", async () => {
  const struck = await everywhere(5, async () => {
    const id = await fresh();
    const draft = await pages.edit(id);
    await direct.update(id, (page) => void page.n++);
    draft.change((page) => void Object.assign(page, { n: 6, title: "b" }));
    return async () => {
      const saved = await draft.save();
      assert(saved.kind === "merged");
      assert.deepEqual(saved.doc.value, { n: 7, title: "b" });
      assert.equal((await versions<Page>(near, "pages", id)).length, 3);
    };
  });
  assert(struck > 100, String(struck));
});

test("a decision, cut anywhere, is stored once", async () => {
  await everywhere(7, async () => {
    const id = await fresh();
    const draft = await pages.edit(id);
    await direct.update(id, (page) => void Object.assign(page, { n: 6, title: "theirs" }));
    draft.change((page) => void Object.assign(page, { n: 6, title: "mine" }));
    assert.equal((await draft.save()).kind, "conflict");
    return async () => {
      const saved = await draft.resolve({ "/title": "yours" });
      assert(saved.kind === "merged");
      assert.deepEqual(await versions<Page>(near, "pages", id), [{ n: 5, title: "a" }, { n: 6, title: "theirs" }, { n: 7, title: "mine" }]);
    };
  });
});

test("a new document, a patch, a deletion and a batch, cut anywhere, are performed once", async () => {
  await everywhere(9, async () => {
    const name = `created${++count}`;
    return async () => {
      const { id } = await far.collection<Page>(name).create({ n: 1, title: "new" });
      assert.deepEqual((await near.collection<Page>(name).list()).items.map((doc) => [doc.id, doc.version]), [[id, 1]]);
    };
  });
  await everywhere(9, async () => {
    const name = `named${++count}`;
    return async () => {
      const doc = await pages.create({ n: 1, title: "new" }, { id: name });
      assert.equal(doc.version, 1);
      const patched = await pages.patch(name, { n: 2 }, { ifMatch: "*" });
      assert.deepEqual([patched.version, patched.value], [2, { n: 2, title: "new" }]);
    };
  });
  await everywhere(9, async () => {
    const id = await fresh();
    const { etag } = await direct.update(id, () => undefined);
    return async () => {
      await pages.delete(id, { ifMatch: etag });
      assert.deepEqual(await versions<Page>(near, "pages", id), [{ n: 5, title: "a" }, undefined]);
    };
  });
  for (const atomic of [true, false]) {
    await everywhere(11, async () => {
      const name = `batched${++count}`;
      return async () => {
        const done = await far.batch([{ method: "POST", collection: name, body: { n: 1 } }, { method: "POST", collection: name, body: { n: 2 } }], { atomic });
        assert.deepEqual(done.results.map(({ status }) => status), [201, 201]);
        assert.equal((await near.collection(name).list()).items.length, 2);
      };
    });
  }
});

test("the answer is lost, and somebody saves before the second attempt", async () => {
  reset();
  const id = await fresh();
  let isSaved = false;
  const rival = new Client({
    url: proxy.url,
    actor: "alice",
    sleep: async () => {
      if (!isSaved) await direct.update(id, (page) => void (page.title = "theirs"));
      isSaved = true;
    },
  }).collection<Page>("pages");
  const doc = await rival.get(id);
  assert(doc);
  proxy.next({ kind: "cut", direction: "answer", after: 0 });
  assert.equal((await rival.put(id, { n: 6, title: "a" }, { ifMatch: doc.etag })).version, 2);
  assert.deepEqual((await versions<Page>(near, "pages", id)).map((page) => page?.title), ["a", "a", "theirs"]);
});

test("answers of others on the way", async () => {
  reset();
  const id = await fresh();
  const { pauses, sleep } = noted();
  const client = new Client({ url: proxy.url, sleep, random: () => 0 }).collection<Page>("pages");
  proxy.next(
    { kind: "refuse", answer: bare(503, "retry-after: 3") },
    { kind: "refuse", answer: bare(429, "retry-after: 2") },
    { kind: "refuse", answer: bare(502) },
  );
  assert.equal((await client.get(id))?.version, 1);
  assert.deepEqual(pauses, [3000, 2000, 0]);
  assert(proxy.isSpent);
  for (const answer of [bare(502), bare(504), bare(503)]) {
    // The write was performed, or it was not: the proxy does not know.
    for (const kind of ["replace", "refuse"] as const) {
      const doc = await client.get(id);
      assert(doc);
      proxy.next({ kind, answer });
      const stored = await client.put(id, { n: doc.value.n + 1, title: "a" }, { ifMatch: doc.etag });
      assert.equal(stored.version, doc.version + 1);
      assert(proxy.isSpent);
    }
  }
  assert.deepEqual((await versions<Page>(near, "pages", id)).map((page) => page?.n), [5, 6, 7, 8, 9, 10, 11]);
});

test("a pause that is longer than the time left is not begun", async () => {
  reset();
  const id = await fresh();
  const { pauses, sleep } = noted();
  const client = new Client({ url: proxy.url, sleep }).collection<Page>("pages");
  proxy.next({ kind: "refuse", answer: bare(503, "retry-after: 3600") });
  await assert.rejects(client.create({ n: 1, title: "x" }), (error: ProblemError) => {
    assert(error instanceof ProblemError);
    assert.deepEqual([error.problem.status, error.problem.retryAfterMs], [503, 3_600_000]);
    return true;
  });
  assert.deepEqual(pauses, []);
  proxy.next({ kind: "refuse", answer: bare(429, "date: Sun, 22 Nov 2026 19:28:49 GMT", "retry-after: Sun, 22 Nov 2026 19:28:53 GMT") });
  assert.equal((await client.get(id))?.version, 1);
  assert(pauses[0] !== undefined && pauses[0] >= 4000 && pauses[0] < 4100, String(pauses));
});

test("a server that never answers", async () => {
  reset();
  const id = await fresh();
  const client = new Client({ url: proxy.url, retry: { answerMs: 150, withinMs: 400, firstMs: 1 } }).collection<Page>("pages");
  const doc = await client.get(id);
  assert(doc);
  proxy.state = "mute";
  await assert.rejects(client.get(id), (error: TransportError) => error instanceof TransportError && !error.uncertain);
  await assert.rejects(client.put(id, { n: 6, title: "a" }, { ifMatch: doc.etag }), (error: TransportError) => {
    assert(error instanceof TransportError);
    assert.equal(error.uncertain, true);
    return true;
  });
  reset();
  // It was performed, once; and whoever holds the old tag is told.
  assert.equal((await versions<Page>(near, "pages", id)).length, 2);
  const draft = await client.edit(doc);
  draft.change((page) => void (page.title = "b"));
  proxy.state = "mute";
  const saving = draft.save();
  await until("it was sent", async () => (await versions<Page>(near, "pages", id)).length === 3);
  reset();
  const saved = await saving;
  assert.equal(saved.kind, "merged");
  assert.equal((await versions<Page>(near, "pages", id)).length, 3);
});

test("a server that is away", async () => {
  reset();
  const id = await fresh();
  const client = new Client({ url: proxy.url, sleep: noted().sleep, retry: { withinMs: 300 } }).collection<Page>("pages");
  proxy.state = "down";
  await assert.rejects(client.update(id, (page) => void page.n++), TransportError);
  reset();
  assert.equal((await versions<Page>(near, "pages", id)).length, 1);
});

test("whoever gives up while an answer is outstanding", async () => {
  reset();
  const id = await fresh();
  proxy.state = "mute";
  const stop = new AbortController();
  const mine = pages.resume((await direct.edit(id)).record());
  mine.change((page) => void Object.assign(page, { n: 6, title: "b" }));
  const saving = mine.save({ signal: stop.signal });
  await until("it was performed", async () => (await versions<Page>(near, "pages", id)).length === 2);
  stop.abort(new Error("stop"));
  await assert.rejects(saving, /stop/);
  reset();
  // The edit is still there, and saving it again adds nothing.
  assert.equal(mine.value.title, "b");
  assert.equal(mine.getSnapshot().saving, false);
  await direct.update(id, (page) => void page.n++);
  assert.equal((await mine.save()).kind, "saved");
  assert.deepEqual((await direct.get(id))?.value, { n: 7, title: "b" });
  assert.equal((await versions<Page>(near, "pages", id)).length, 3);
});

test("many writers on a bad wire: each acknowledged edit is there once, in order; what failed for certain is not", async () => {
  reset();
  const id = (await near.collection<{ lines: string[] }>("logs").create({ lines: [] })).id;
  const acknowledged: string[] = [];
  const uncertain: string[] = [];
  const failed: string[] = [];
  let step = 0;
  const breaking = setInterval(() => {
    if (proxy.isSpent) proxy.next({ kind: "cut", direction: step++ % 2 === 0 ? "answer" : "request", after: (step * 97) % 600 });
  }, 20);
  const writer = async (name: string) => {
    const log = new Client({ url: proxy.url, actor: name, retry: { attempts: 40, withinMs: 20_000, capMs: 10 } }).collection<{ lines: string[] }>("logs");
    for (let n = 0; n < 8; n++) {
      const line = `${name}${n}`;
      const list = await log.update(id, ({ lines }) => void lines.push(line)).then(
        () => acknowledged,
        (error: unknown) => (error instanceof TransportError && error.uncertain ? uncertain : failed),
      );
      list.push(line);
    }
  };
  await Promise.all(["a", "b", "c", "d"].map(writer));
  clearInterval(breaking);
  reset();
  const lines = (await near.collection<{ lines: string[] }>("logs").get(id))?.value.lines ?? [];
  assert(acknowledged.length > 25, `${acknowledged.length} acknowledged`);
  assert.equal(new Set(lines).size, lines.length);
  for (const line of acknowledged) assert(lines.includes(line), line);
  for (const line of failed) assert(!lines.includes(line), line);
  for (const name of ["a", "b", "c", "d"]) {
    const own = lines.filter((line) => line.startsWith(name)).map((line) => Number(line.slice(1)));
    assert.deepEqual(own, [...own].sort((x, y) => x - y));
  }
  // No version undid another: each has one line more.
  const all = await versions<{ lines: string[] }>(near, "logs", id);
  all.forEach((version, index) => assert.deepEqual(version?.lines, lines.slice(0, index)));
});

/** A server that limits how often somebody may ask. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, ProblemError, type Change } from "../dist/index.js";
import { Outbox } from "../dist/outbox/index.js";
import { Memory } from "../dist/outbox/memory.js";
import { bare, Proxy } from "./proxy.js";
import { Server } from "./server.js";
import { noted, versions } from "./tools.js";

interface Note {
  text: string;
}

const ana = "the-secret-of-ana-0123456789";
const watcher = "the-secret-of-the-watcher-01";

/** A server on which each name may read and write twice at once, and then once a second. */
async function limited(rates = "reads = { per_second = 1, burst = 2 }\nwrites = { per_second = 1, burst = 2 }") {
  const tokens = [["ana", ana], ["watcher", watcher]].map(([name, secret]) => `[[tokens]]\nname = "${name}"\nsecret = "${secret}"\n`);
  const server = await Server.start(`${tokens.join("")}[rates]\n${rates}\n`);
  const proxy = await Proxy.before(() => server.port);
  return { proxy, url: proxy.url, server };
}

/** The requests that went through, each with its key. */
function requests(proxy: Proxy): { line: string; key: string | undefined }[] {
  const lines = /(?:PUT|POST|PATCH|DELETE|GET) \/\S* HTTP[\s\S]*?\r\n\r\n/g;
  return (proxy.seen.request.match(lines) ?? []).map((head) => ({
    line: head.slice(0, head.indexOf(" HTTP")),
    key: /idempotency-key: (\S+)/i.exec(head)?.[1],
  }));
}

function refusals(proxy: Proxy): number {
  return proxy.seen.answer.match(/HTTP\/1\.1 429/g)?.length ?? 0;
}

test("reads and writes wait as the server says, and each write keeps its key", async () => {
  const { proxy, url } = await limited();
  const client = new Client({ url, token: ana });
  const notes = client.collection<Note>("notes");
  proxy.measure();
  const doc = await notes.create({ text: "1" }, { id: "a" });
  const second = await notes.put("a", { text: "2" }, { ifMatch: doc.etag });
  const third = await notes.patch("a", { text: "3" }, { ifMatch: second.etag });
  await client.batch([{ method: "PUT", collection: "notes", id: "b", ifNoneMatch: "*", body: { text: "b" } }]);
  await notes.delete("a", { ifMatch: third.etag });
  for (let n = 0; n < 4; n++) assert.equal((await notes.get("b"))?.value.text, "b");
  assert(refusals(proxy) > 0);
  const keys = new Map<string, Set<string>>();
  for (const { line, key } of requests(proxy)) {
    if (line.startsWith("GET")) continue;
    assert(key, line);
    keys.set(key, (keys.get(key) ?? new Set()).add(line));
  }
  // One for each write, however often it was sent.
  assert.deepEqual([...keys.values()].map((lines) => [...lines]), [["PUT /api/notes/a"], ["PUT /api/notes/a"], ["PATCH /api/notes/a"], ["POST /api/_batch"], ["DELETE /api/notes/a"]]);
  assert.equal(requests(proxy).length, refusals(proxy) + keys.size + 4);
  assert.equal((await versions<Note>(new Client({ url, token: watcher }), "notes", "a")).length, 4);
});

test("an update and a draft wait, too, and nothing is lost or done twice", async () => {
  const { proxy, url } = await limited();
  const notes = new Client({ url, token: ana, retry: { withinMs: 30_000 } }).collection<{ lines: string[] }>("notes");
  await notes.create({ lines: [] }, { id: "a" });
  await Promise.all(["x", "y"].map((line) => notes.update("a", ({ lines }) => void lines.push(line))));
  const draft = await notes.edit("a");
  draft.change(({ lines }) => void lines.push("draft"));
  assert.equal((await draft.save()).kind, "saved");
  assert(refusals(proxy) > 0);
  const stored = (await versions<{ lines: string[] }>(new Client({ url, token: watcher }), "notes", "a")).map((note) => note?.lines.length);
  assert.deepEqual(stored, [0, 1, 2, 3]);
});

test("a pause that would take too long is told, with the time; the draft stays, and is saved by its key later", async () => {
  const { proxy, url } = await limited();
  const impatient = new Client({ url, token: ana, retry: { withinMs: 500 } }).collection<Note>("notes");
  const doc = await impatient.create({ text: "1" }, { id: "a" });
  const draft = await impatient.edit(doc);
  draft.change((note) => void (note.text = "2"));
  await impatient.create({ text: "full" });
  proxy.measure();
  await assert.rejects(draft.save(), (error: ProblemError) => {
    assert(error instanceof ProblemError);
    assert.deepEqual([error.problem.kind, error.problem.status, error.problem.retryAfterMs], ["rate-limited", 429, 1000]);
    return true;
  });
  assert.equal(draft.value.text, "2");
  assert.equal(requests(proxy).length, 1);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  assert.equal((await draft.save()).kind, "saved");
  assert.equal(new Set(requests(proxy).map(({ key }) => key)).size, 1);
});

test("an outbox keeps what came too often, and sends it later", async () => {
  const { url } = await limited();
  const client = new Client({ url, token: ana, retry: { withinMs: 100 } });
  const outbox = new Outbox(client, new Memory(), { longestPauseMs: 1_200 });
  outbox.start();
  for (const id of ["a", "b", "c", "d"]) await outbox.create("notes", id, { text: id });
  assert((await outbox.waiting()).length > 0);
  assert.deepEqual(await outbox.blocked(), []);
  const end = performance.now() + 20_000;
  while ((await outbox.waiting()).length > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
  outbox.stop();
  const stored = new Client({ url, token: watcher }).collection<Note>("notes");
  assert.deepEqual((await stored.list()).items.map(({ id, version }) => [id, version]), [["a", 1], ["b", 1], ["c", 1], ["d", 1]]);
});

test("a feed is asked for again when the server says, also if that is long", async () => {
  const { proxy, url } = await limited();
  const { pauses, sleep } = noted();
  const notes = new Client({ url, token: watcher, sleep, random: () => 0 }).collection<Note>("notes");
  await new Client({ url, token: ana }).collection<Note>("notes").create({ text: "1" }, { id: "a" });
  proxy.next({ kind: "refuse", answer: bare(429, "retry-after: 3600") }, { kind: "refuse", answer: bare(503, "retry-after: 7") }, { kind: "refuse", answer: bare(502) });
  const told: Change<Note>[] = [];
  for await (const change of notes.watch({ since: "0" })) {
    told.push(change);
    if (change.kind === "change") break;
  }
  assert.deepEqual(told.map(({ kind }) => kind), ["open", "change"]);
  assert.deepEqual(pauses, [3_600_000, 7_000, 0]);
  // By the server itself.
  const patient = new Client({ url, token: watcher }).collection<Note>("notes");
  proxy.measure();
  for (let n = 0; n < 3; n++) for await (const { kind } of patient.watch()) if (kind === "open") break;
  assert(refusals(proxy) > 0);
});

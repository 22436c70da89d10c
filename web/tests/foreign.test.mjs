/** A page of another origin, in a browser that reaches the server: it changes nothing, and reads nothing. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { attempts, fewAttempts } from "./attempts.mjs";
import { startBrowser } from "./browser.mjs";
import { startServer } from "./server.mjs";
import { openStranger } from "./stranger.mjs";
import { writer } from "./writer.mjs";

/** Stands in a document: nobody else's page may ever read it. */
const secret = "what nobody else reads";

const stranger = await openStranger();
after(() => stranger.stop());
const browser = await startBrowser([
  // Names that lead to this machine, as somebody who has a domain can have any name of it.
  "--host-resolver-rules=MAP *.test 127.0.0.1",
  // A browser may keep pages of the internet from this machine; here the server is to be tried, not the browser.
  "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,HttpsUpgrades",
]);
after(() => browser.close());

/** @typedef {import("playwright-core").Page | import("playwright-core").Frame} Doc A document of a browser. */
/** @typedef {Awaited<ReturnType<typeof open>>} Target */

/** A server with a document, its history, a lock and a refused edit; and what it has answered. @param {string[]} args */
async function open(...args) {
  /** @type {import("./server.mjs").Answered[]} */
  const answered = [];
  const server = await startServer({ args, onAnswered: (one) => answered.push(one) });
  after(() => server.stop());
  const ana = writer(server.url, "Ana");
  const tag = await ana.put("/api/notes/plan", { title: "Draft", body: secret });
  await ana.put("/api/notes/plan", { title: "Plan", body: secret });
  const entry = await ana.putLate("/api/notes/plan", { title: "Late", body: secret }, tag);
  const { port } = new URL(server.url);
  const target = { ...server, port, entry, answered, hasCors: args.includes("--cors") };
  await atRest(target);
  return target;
}

/** What is written is sealed a second later. @param {{ data: string }} server */
async function atRest(server) {
  for (let [seen, since] = ["", Date.now()]; Date.now() - since < 2_000; ) {
    const now = JSON.stringify(await storeOf(server));
    if (now !== seen) [seen, since] = [now, Date.now()];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** All that the server has stored: the names of the files, and what is in them, byte for byte. @param {{ data: string }} server */
async function storeOf({ data }) {
  const files = (await readdir(data, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  // The index of the log is memory that readers share.
  const names = files.map(({ parentPath, name }) => join(parentPath, name)).filter((name) => !name.endsWith("-shm"));
  const digests = await Promise.all(names.sort().map(async (name) => [name, createHash("sha256").update(await readFile(name)).digest("hex")]));
  return Object.fromEntries(digests);
}

/** A new window. @param {string} url */
async function pageAt(url) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  return page;
}

/** A new window at a page that came from the stranger before its name was led to this machine. @param {string} url */
async function reboundPage(url) {
  const context = await browser.newContext();
  await context.route(url, (route) => route.fulfill({ contentType: "text/html", body: stranger.page }));
  const page = await context.newPage();
  await page.goto(url);
  // From here on, the browser asks the server, and nobody answers in its place.
  await context.unrouteAll();
  return page;
}

/** A frame within a page. @param {import("playwright-core").Page} page @param {Record<string, string>} attributes */
async function frameIn(page, attributes) {
  await page.evaluate((attributes) => {
    const frame = document.createElement("iframe");
    for (const [name, value] of Object.entries(attributes)) frame.setAttribute(name, value);
    document.body.append(frame);
    return new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  }, attributes);
  const frame = page.frames().at(-1);
  assert(frame);
  return frame;
}

/**
 * Tries all of them, one after the other. After each, what the server saw of it was refused, nothing that is stored has
 * changed, and the document has read nothing.
 *
 * @param {Doc} doc
 * @param {Target} target
 * @param {{ api: string, among?: typeof attempts, refusal?: number, isSame?: boolean }} options `isSame`: the browser takes
 *   the document for one of the server's.
 */
async function nothingHelps(doc, target, { api, among = attempts, refusal = 403, isSame = false }) {
  const { answered, entry } = target;
  const before = await storeOf(target);
  const where = { api, entry, stranger: `http://stranger.test:${stranger.port}` };
  const page = "page" in doc ? doc.page() : doc;
  for (const { name, sends, run } of among) {
    answered.length = 0;
    const [work, given] = run(where);
    const read = await doc.evaluate(/** @type {any} */ (work), given).catch(() => []);
    const isSent = (/** @type {import("./server.mjs").Answered} */ { method }) => (isSame && sends === "OPTIONS" ? method !== "GET" : method === sends);
    // Where some pages are let in, the server answers those that ask before it logs anything.
    if (sends && !(sends === "OPTIONS" && target.hasCors)) await until(`${name}: the server sees it`, () => answered.some(isSent));
    for (const { method, path, status } of answered) {
      const isHarmless = ["GET", "HEAD", "OPTIONS"].includes(method) && !isSame;
      assert.ok(isHarmless || status === refusal, `${name}: ${method} ${path} was answered by ${status}`);
    }
    if (!sends && !isSame) assert.deepEqual(answered, [], `${name}: nothing should have been sent`);
    assert.deepEqual(await storeOf(target), before, `${name}: the store has changed`);
    const text = /** @type {string[]} */ (read).join("\n");
    // Of the same origin, the refusal is read, and holds nothing.
    if (isSame) assert.ok(!text.includes(secret) && !text.includes("plan\"}"), `${name}: ${text}`);
    else assert.equal(text.trim(), "", `${name}: the page has read something`);
    for (const opened of page.context().pages()) if (opened !== page) await opened.close();
  }
  // What was sent and not waited for has come by now, too.
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(await storeOf(target), before);
}

/** @param {string} what @param {() => boolean} is */
async function until(what, is) {
  for (const end = Date.now() + 10_000; !is(); ) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const closed = await open("--host", "data.test");

/** Where the pages are from, and by which name they call the server. */
const origins = {
  "another port of this machine": [`http://127.0.0.1:${stranger.port}`, `http://127.0.0.1:${closed.port}`],
  "another name of this machine": [`http://localhost:${stranger.port}`, `http://127.0.0.1:${closed.port}`],
  "the other name, at the server's own port": [`http://localhost:${closed.port}/healthz`, `http://127.0.0.1:${closed.port}`],
  "another site": [`http://stranger.test:${stranger.port}`, `http://127.0.0.1:${closed.port}`],
  // Browsers say with Sec-Fetch-Site who asks where nobody on the way could have a say in it; here they do not.
  "another site, where the server has a name": [`http://stranger.test:${stranger.port}`, `http://data.test:${closed.port}`],
  "another port, where the server has a name": [`http://data.test:${stranger.port}`, `http://data.test:${closed.port}`],
};

for (const [from, [url = "", api = ""]] of Object.entries(origins)) {
  test(`a page of ${from} changes nothing and reads nothing`, async () => {
    const page = await pageAt(url);
    await nothingHelps(page, closed, { api });
    await page.context().close();
  });
}

for (const [name, api] of [["an address", `http://127.0.0.1:${closed.port}`], ["a name", `http://data.test:${closed.port}`]]) {
  test(`nor does a document without an origin, where the server has ${name}`, async () => {
    const page = await pageAt(`http://127.0.0.1:${stranger.port}`);
    const frame = await frameIn(page, { sandbox: "allow-scripts allow-forms allow-popups", src: "/" });
    assert.equal(await frame.evaluate(() => origin), "null");
    await nothingHelps(frame, closed, { api: /** @type {string} */ (api) });
    await page.context().close();
  });
}

test("nor does a document that is written into a frame", async () => {
  const api = `http://127.0.0.1:${closed.port}`;
  const documents = {
    data: { src: `data:text/html,${encodeURIComponent(stranger.page)}` },
    javascript: { src: `javascript:"${stranger.page.replaceAll('"', "'")}"` },
    srcdoc: { srcdoc: stranger.page },
    "srcdoc in a sandbox": { srcdoc: stranger.page, sandbox: "allow-scripts allow-forms allow-same-origin" },
    blob: { src: "" },
  };
  for (const attributes of Object.values(documents)) {
    const page = await pageAt(`http://127.0.0.1:${stranger.port}`);
    if ("src" in attributes && attributes.src === "") {
      attributes.src = await page.evaluate((text) => URL.createObjectURL(new Blob([text], { type: "text/html" })), stranger.page);
    }
    await nothingHelps(await frameIn(page, attributes), closed, { api, among: fewAttempts });
    await page.context().close();
  }
});

test("nor does a page whose name was led to this machine", async () => {
  const api = `http://rebound.test:${closed.port}`;
  const page = await reboundPage(`${api}/before`);
  // It is of the same origin as the server now, and asks nobody.
  await nothingHelps(page, closed, { api, refusal: 421, isSame: true });
  await page.context().close();
});

test("nor does a worker", async () => {
  const api = `http://127.0.0.1:${closed.port}`;
  const before = await storeOf(closed);
  const writes = [
    [`${api}/api/notes`, { method: "POST", mode: "no-cors", body: '{"title":"worker"}' }],
    [`${api}/api/notes`, { method: "POST", body: '{"title":"worker"}' }],
    [`${api}/api/notes/plan`, { method: "PUT", body: '{"title":"worker"}', headers: { "Content-Type": "application/json", "If-Match": "*" } }],
    [`${api}/api/notes/plan`, {}],
  ];
  for (const host of ["127.0.0.1", "localhost"]) {
    const page = await pageAt(`http://${host}:${stranger.port}`);
    await page.evaluate(async () => {
      await navigator.serviceWorker.register("/worker.js");
      await navigator.serviceWorker.ready;
      if (!navigator.serviceWorker.controller) await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
    });
    for (const message of writes) {
      for (const kind of ["worker", "service worker"]) {
        closed.answered.length = 0;
        const read = await page.evaluate(
          ([kind, message]) =>
            new Promise((resolve) => {
              const worker = kind === "worker" ? new Worker("/worker.js") : navigator.serviceWorker.controller;
              const heard = kind === "worker" ? /** @type {Worker} */ (worker) : navigator.serviceWorker;
              heard.addEventListener("message", (event) => resolve(/** @type {MessageEvent} */ (event).data), { once: true });
              worker?.postMessage(message);
            }),
          /** @type {const} */ ([kind, message]),
        );
        assert.equal(read, "", `a ${kind} has read something`);
        await until(`the ${kind} was heard`, () => closed.answered.length > 0);
        refused();
      }
    }
    closed.answered.length = 0;
    // The worker makes another request of that of a page.
    await page.evaluate((to) => fetch(`/?instead=${encodeURIComponent(to)}`), `${api}/api/notes`).catch(() => undefined);
    await until("the worker wrote instead", () => closed.answered.some(({ method }) => method === "POST"));
    refused();
    await page.context().close();
  }
  function refused() {
    for (const { method, status } of closed.answered) assert.ok(["GET", "OPTIONS"].includes(method) || status === 403, `${method}: ${status}`);
  }
  assert.deepEqual(await storeOf(closed), before);
});

test("no page shows the server's in a frame", async () => {
  const page = await pageAt(`http://127.0.0.1:${stranger.port}`);
  const frame = await frameIn(page, { src: `http://127.0.0.1:${closed.port}/c/notes/plan` });
  assert.match(frame.url(), /^chrome-error:/);
  await page.context().close();
});

/** Runs in the page: each way to write, and what the server says. @param {string} api */
async function write(api) {
  const json = { "Content-Type": "application/json" };
  const id = `note-${Math.random()}`;
  /** @param {string} path @param {RequestInit} init */
  const send = async (path, init) => {
    const response = await fetch(api + path, init);
    await response.text();
    return { status: response.status, tag: response.headers.get("etag") ?? "" };
  };
  const put = await send(`/api/notes/${id}`, { method: "PUT", headers: { ...json, "If-None-Match": "*" }, body: '{"n":1}' });
  const again = await send(`/api/notes/${id}`, { method: "PUT", headers: { ...json, "If-Match": put.tag }, body: '{"n":2}' });
  const patch = await send(`/api/notes/${id}`, { method: "PATCH", headers: { ...json, "If-Match": again.tag }, body: '{"n":3}' });
  const post = await send("/api/notes", { method: "POST", headers: json, body: '{"n":1}' });
  const gone = await send(`/api/notes/${id}`, { method: "DELETE", headers: { "If-Match": patch.tag } });
  const lock = await send("/api/notes/plan/lock", { method: "POST", headers: json, body: '{"ttl_s":1}' });
  const unlock = await send("/api/notes/plan/lock?break=true", { method: "DELETE" });
  return [put, again, patch, post, gone, lock, unlock].map(({ status }) => status);
}

const performed = [201, 200, 200, 201, 204, 201, 204];

test("a page of the server's own origin writes, by whatever name it was called", async () => {
  const own = await open("--host", "data.test");
  for (const host of ["127.0.0.1", "localhost", "data.test"]) {
    const page = await pageAt(`http://${host}:${own.port}/`);
    assert.deepEqual(await page.evaluate(write, `http://${host}:${own.port}`), performed, host);
    own.answered.length = 0;
    await page.evaluate(() => navigator.sendBeacon("/api/notes", new Blob(['{"n":1}'], { type: "application/json" })));
    await until("the beacon came", () => own.answered.some(({ method, status }) => method === "POST" && status === 201));
    await page.context().close();
  }
});

test("with --cors, pages of that origin write and read, and others still do not", async () => {
  const friend = `http://127.0.0.1:${stranger.port}`;
  const ajar = await open("--cors", friend);
  const api = `http://127.0.0.1:${ajar.port}`;
  const page = await pageAt(friend);
  assert.deepEqual(await page.evaluate(write, api), performed);
  const read = await page.evaluate(async (api) => (await fetch(`${api}/api/notes/plan`)).text(), api);
  assert.match(read, new RegExp(secret));
  await atRest(ajar);
  // A document without an origin, within a page of that origin, is another.
  const frame = await frameIn(page, { sandbox: "allow-scripts allow-forms allow-popups", src: "/" });
  await nothingHelps(frame, ajar, { api });
  await page.context().close();
  for (const url of [`http://localhost:${stranger.port}`, `http://stranger.test:${stranger.port}`]) {
    const other = await pageAt(url);
    await nothingHelps(other, ajar, { api });
    await other.context().close();
  }
});

test("the same attempts do write where every page is let in", async () => {
  const wide = await open("--cors", "*");
  const page = await pageAt(`http://stranger.test:${stranger.port}`);
  const writing = ["fetch POST cors application/json", "fetch PUT cors application/json", "XMLHttpRequest PUT", "fetch POST no-cors to /api/notes/plan/lock"];
  for (const { name, run } of writing.map((name) => attempts.find((one) => one.name === name) ?? assert.fail(name))) {
    wide.answered.length = 0;
    const [work, given] = run({ api: `http://127.0.0.1:${wide.port}`, stranger: "", entry: wide.entry });
    await page.evaluate(/** @type {any} */ (work), given);
    await until(`${name} is performed`, () => wide.answered.some(({ method, status }) => /PUT|POST/.test(method) && status < 300));
  }
  await page.context().close();
});

/** The client's outbox in a real browser: two tabs, one queue in IndexedDB, taking turns by Web Locks. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { openSite } from "./site.mjs";

const site = await openSite();
const { build } = createRequire(new URL("../package.json", import.meta.url))("esbuild");
const bundle = await build({
  stdin: {
    contents: `
      export { Client } from "../../clients/typescript/src/index.ts";
      export { IndexedDb, Outbox } from "../../clients/typescript/src/outbox/index.ts";`,
    resolveDir: import.meta.dirname,
    loader: "ts",
  },
  bundle: true,
  format: "esm",
  target: "es2022",
  write: false,
});

/** Runs in the page: what a tab of an application begins with. */
async function begin(/** @type {string} */ url) {
  const { Client, IndexedDb, Outbox } = await import("./application.js");
  const client = new Client({ url, actor: "Dana", retry: { withinMs: 300 } });
  const outbox = new Outbox(client, new IndexedDb(), { patienceMs: 1_000, longestPauseMs: 500 });
  Object.assign(globalThis, { client, outbox });
}

/** Runs in the page: adds a line to a document as somebody does who edits it. */
async function addLine(/** @type {[string, string]} */ [id, line]) {
  const draft = await globalThis.outbox.edit("notes", id);
  draft.change((/** @type {{ lines: Record<string, boolean> }} */ note) => void (note.lines[line] = true));
  return (await globalThis.outbox.save(draft)).kind;
}

/** Runs in the page: waits until nothing waits any more, whichever tab sends it. */
function isSent() {
  return new Promise((resolve) => {
    const timer = setInterval(async () => {
      if ((await globalThis.outbox.waiting()).length > 0) return;
      clearInterval(timer);
      resolve(undefined);
    }, 20);
  });
}

test("tabs share what waits: nothing is lost, nothing is sent twice, also when one is closed", async (t) => {
  const ids = ["a", "b", "c"];
  for (const id of ids) await site.writer("setup").put(`/api/notes/${id}`, { lines: {} });
  const dana = await site.person(t, "Dana");
  await dana.context.route("**/application*", (route) => {
    const isScript = route.request().url().endsWith(".js");
    return route.fulfill(isScript ? { contentType: "text/javascript", body: bundle.outputFiles[0].text } : { contentType: "text/html", body: "<!doctype html><title>An application</title>" });
  });
  const tabs = [await dana.context.newPage(), await dana.context.newPage()];
  for (const tab of tabs) {
    await tab.goto(`${site.address}/application`);
    await tab.evaluate(begin, site.address);
    // Before the connection goes: an edit begins from what was read.
    for (const id of ids) assert.equal(await tab.evaluate(addLine, [id, `begun by ${tabs.indexOf(tab)}`]), "saved");
    await tab.evaluate(async (ids) => {
      globalThis.drafts = Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await globalThis.outbox.edit("notes", id)])));
    }, ids);
  }
  await dana.context.setOffline(true);
  const type = (/** @type {number} */ n, /** @type {string} */ id, /** @type {string} */ line) =>
    tabs[n]?.evaluate(async ([id, line]) => {
      const draft = globalThis.drafts[id];
      draft.change((/** @type {any} */ note) => void (note.lines[line] = true));
      return (await globalThis.outbox.save(draft)).kind;
    }, /** @type {[string, string]} */ ([id, line]));
  for (const id of ids) {
    assert.equal(await type(0, id, "first"), "queued");
    assert.equal(await type(1, id, "second"), "queued");
    assert.equal(await type(0, id, "third"), "queued");
  }
  await tabs[0]?.close();
  await dana.context.setOffline(false);
  const third = await dana.context.newPage();
  await third.goto(`${site.address}/application`);
  await third.evaluate(begin, site.address);
  for (const tab of [tabs[1], third]) await tab?.evaluate(() => globalThis.outbox.start());
  await third.evaluate(isSent);

  for (const id of ids) {
    const stored = await site.writer("setup").read(`/api/notes/${id}`);
    const lines = ["begun by 0", "begun by 1", "first", "second", "third"];
    assert.deepEqual(Object.keys(stored.lines).sort(), lines, id);
    const versions = await site.writer("setup").read(`/api/notes/${id}/versions`);
    const added = versions.items.map((/** @type {any} */ { data }) => Object.keys(data.lines).length);
    // Each version holds more than the one before: nothing came twice, and nothing was undone.
    assert.ok(added.every((count, index) => index === 0 || count < added[index - 1]), `${id}: ${added}`);
  }
});

import assert from "node:assert/strict";
import test from "node:test";
import { field, isReady, save } from "./editor.mjs";
import { openSite } from "./site.mjs";

const site = await openSite();
const mallory = site.writer("<img src=x onerror=alert(1)>");

const evil = {
  title: '</script><script>alert("title")</script>',
  "<b onmouseover=alert(1)>": '"><img src=http://attacker.example/x onerror=alert(1)>',
  link: "javascript:alert('link')",
  picture: "data:text/html,<script>alert(1)</script>",
  frame: '<iframe src="http://attacker.example/"></iframe>',
  style: "<style>@import url(http://attacker.example/x.css);</style>",
  "__proto__x": { constructor: { prototype: "polluted" } },
  "a/b~c": "a pointer must escape its name",
  reversed: "user\u202Egnp.exe\u2066 \u2067\u200F\u200E",
  template: "{{constructor.constructor('alert(1)')()}} ${alert(1)} <%= alert(1) %>",
};

const id = "</script><script>alert(1)</script>".replaceAll("/", "\u2215");
const path = `/api/notes/${encodeURIComponent(id)}`;
const tag = await mallory.put(path, evil);
await mallory.put(path, { ...evil, title: "<svg onload=alert(1)>" });
const entry = await mallory.putLate(path, { ...evil, title: "<a href=javascript:alert(1)>here</a>" }, tag);

/** The places, and what is there when all of it is. @type {Record<string, readonly [string, string]>} */
const places = {
  "the list of collections": ["/", "notes"],
  "the list": ["/c/notes", "<svg onload"],
  "the editor": [`/c/notes/${encodeURIComponent(id)}`, "<b onmouseover"],
  "the dashboard": ["/conflicts", "<img src=x"],
  "the log with a filter": [`/conflicts?by=${encodeURIComponent("<script>alert(1)</script>")}`, "matches these filters"],
  "an entry": [`/conflicts/${entry.split("/").at(-1)}`, "Version 1"],
  "the merge of an entry": [`/conflicts/${entry.split("/").at(-1)}?resolve`, "of 1 decided"],
  "a place that is none": ["/c/%3Cscript%3Ealert(1)%3C%2Fscript%3E/x", "is not a collection name"],
};

for (const [name, [place, words]] of Object.entries(places)) {
  test(`a hostile document does nothing in ${name}`, async (t) => {
    const eva = await site.person(t, "Eva");
    const page = await eva.open(place);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.getByText(words).first().waitFor();
    await hoverAll(page);
    const found = await page.evaluate(() => ({
      scripts: [...document.scripts].filter((script) => !script.src.endsWith("/_page/page.js")).length,
      foreign: document.querySelectorAll("iframe, object, embed, base[target], svg[onload], img[onerror], [onmouseover]").length,
      links: [...document.links].filter((link) => !/^https?:$/.test(link.protocol)).map((link) => link.href),
    }));
    assert.deepEqual(found, { scripts: 0, foreign: 0, links: [] });
  });
}

/** Moves over everything of the page, for what waits for a pointer. @param {import("playwright-core").Page} page */
async function hoverAll(page) {
  await page.evaluate(() => {
    for (const element of document.querySelectorAll("body *")) element.dispatchEvent(new MouseEvent("mouseover"));
  });
}

/** Who is called so turns around what stands behind the name, if it is not kept apart. */
const turning = site.writer("eve\u202E");

test("marks for right-to-left text do not turn around our own words in the editor", async (t) => {
  await mallory.put("/api/notes/marks", { name: "once" });
  const eva = await site.person(t, "Eva");
  const page = await eva.open("/c/notes/marks");
  await isReady(page, "name");
  await field(page, "name").fill("mine");
  await turning.put("/api/notes/marks", { name: "theirs" });
  await runsForward(page, "saved version 2");
  await save(page);
  await runsForward(page, "both changed it");
});

test("marks for right-to-left text do not turn around our own words in the log", async (t) => {
  const tag = await mallory.put("/api/notes/marks-too", { name: "once" });
  await turning.put("/api/notes/marks-too", { name: "theirs" });
  const logged = await turning.putLate("/api/notes/marks-too", { name: "late" }, tag);
  const eva = await site.person(t, "Eva");
  const page = await eva.open(`/conflicts/${logged.split("/").at(-1)}`);
  await runsForward(page, "refused:");
  await runsForward(page, "is the refused edit");
});

/** These words are shown, and their last letter is right of the first. @param {import("playwright-core").Page} page @param {string} words */
async function runsForward(page, words) {
  const holder = page.locator("main").getByText(words).first();
  await holder.waitFor();
  const [first, last] = await holder.evaluate(edgesOf, words);
  assert.ok(first !== undefined && last !== undefined && first < last, `"${words}" is turned around`);
}

/** Runs in the page: where the first and the last letter of the words stand. @param {Element} holder @param {string} words */
function edgesOf(holder, words) {
  const texts = document.createTreeWalker(holder, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const at = text.textContent?.indexOf(words) ?? -1;
    if (at < 0) continue;
    return [at, at + words.length - 1].map((place) => {
      const range = document.createRange();
      range.setStart(text, place);
      range.setEnd(text, place + 1);
      return range.getBoundingClientRect().left;
    });
  }
  return [];
}

const large = {
  "a text of 1 MB": { text: "All work and no play. ".repeat(47_000) },
  "5,000 members": Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`member ${n}`, n])),
};

for (const [name, document] of Object.entries(large)) {
  test(`the editor opens ${name} within 3 seconds`, async (t) => {
    await mallory.put(`/api/large/${encodeURIComponent(name)}`, document);
    const eva = await site.person(t, "Eva");
    const begin = performance.now();
    const page = await eva.open(`/c/large/${encodeURIComponent(name)}`);
    await isReady(page, Object.keys(document)[0] ?? "");
    const took = performance.now() - begin;
    t.diagnostic(`${name}: ${Math.round(took)} ms`);
    assert.ok(took < 3_000, `${Math.round(took)} ms`);
  });
}

/** People who may not do everything: what they may not is said in words, and what they wrote stays. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import test from "node:test";
import { field, holds, isReady, isTold, save } from "./editor.mjs";
import { openSite } from "./site.mjs";

const names = ["ana", "reader", "writer", "notes", "shop", "ben"];
/** @param {string} name */
const secretOf = (name) => `the-secret-of-${name}-0123456789`;
/** @type {Record<string, string>} */
const terms = {
  ana: `roles = ["admin"]\nrights = ["all"]`,
  reader: `rights = ["read"]`,
  writer: `rights = ["write"]`,
  notes: `rights = ["read:notes"]`,
  shop: `spaces = ["shop"]`,
  ben: "",
};
/** @param {string[]} known */
const configOf = (known) => `
undeclared_collections = "allow"
[collections.notes]
[collections.pages]
[collections.diary.access]
read = "self.owner == caller.name || 'admin' in caller.roles"
create = "self.owner == caller.name"
update = "(oldSelf.owner == caller.name && !oldSelf.closed) || 'admin' in caller.roles"
${known.map((name) => `[[tokens]]\nname = "${name}"\nsecret = "${secretOf(name)}"\n${terms[name]}\n`).join("")}
[jwt]
key = "key"
algorithm = "HS256"
leeway_s = 0
`;
const key = "a key of 32 bytes or more, for tests alone";
const site = await openSite({ config: configOf(names), files: { key } });

/** @param {string} name @param {string} method @param {string} path @param {object} [body] @param {Record<string, string>} [more] */
async function send(name, method, path, body, more = {}) {
  const headers = { Authorization: `Bearer ${secretOf(name)}`, "Content-Type": "application/json", ...more };
  return fetch(site.api + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

/** Stores the next version, whatever is there. @param {string} name @param {string} path @param {object} body */
async function put(name, path, body) {
  const tag = (await send(name, "GET", path)).headers.get("etag");
  const answer = await send(name, "PUT", path, body, tag ? { "If-Match": tag } : {});
  assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
}

/** @param {string} path */
async function stored(path) {
  return (await send("ana", "GET", path)).json();
}

await put("ana", "/api/notes/plan", { title: "Draft" });
await put("ana", "/api/pages/home", { title: "Welcome" });
await put("ana", "/api/diary/of-ana", { owner: "ana", title: "Mine", closed: false });
await put("ben", "/api/diary/of-ben", { owner: "ben", title: "Mine", closed: false });
await put("ana", "/spaces/shop/api/goods/tea", { title: "Tea" });

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page @param {string} secret */
async function enterToken(page, secret) {
  await page.getByRole("textbox", { name: "Token" }).fill(secret);
  await page.keyboard.press("Enter");
}

/** A tab of somebody who has entered their token. @param {import("node:test").TestContext} t @param {string} name @param {string} place */
async function signedIn(t, name, place) {
  const person = await site.person(t, name);
  const page = await person.open(place);
  await enterToken(page, secretOf(name));
  return page;
}

/** @param {Page} page @param {RegExp} words */
async function isRefused(page, words) {
  await page.getByRole("group", { name: "Why it was not saved" }).filter({ hasText: words }).filter({ hasText: "Your text is kept" }).waitFor();
}

/** @param {Page} page @param {RegExp} words */
async function isFailed(page, words) {
  await page.getByRole("group", { name: "What went wrong" }).filter({ hasText: words }).first().waitFor();
}

test("who may only read is told so at each attempt to write, and keeps the text", async (t) => {
  const page = await signedIn(t, "reader", "/c/notes/plan");
  await isReady(page, "title");
  await field(page, "title").fill("By a reader");
  await save(page);
  await isRefused(page, /may not do this.*reader does not have the right/s);
  await holds(page, "title", "By a reader");
  await page.reload();
  await page.getByText("You have an unsaved draft").waitFor();
  await page.getByRole("button", { name: "Continue" }).click();
  await holds(page, "title", "By a reader");

  await page.getByRole("button", { name: "Lock for me" }).click();
  await page.getByText("reader does not have the right to update here").first().waitFor();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("alert").filter({ hasText: "right to delete" }).waitFor();
  assert.deepEqual(await stored("/api/notes/plan"), { title: "Draft" });
});

test("who may only write creates documents, and is told that they cannot be shown", async (t) => {
  const page = await signedIn(t, "writer", "/");
  await isFailed(page, /You may not read this/);
  await page.getByText("If you may write, you can create documents").waitFor();
  await page.getByRole("button", { name: "New document" }).click();
  await page.getByRole("combobox", { name: "Collection" }).fill("notes");
  await page.getByRole("textbox", { name: "Id" }).fill("report");
  await page.getByRole("button", { name: "Write it" }).click();
  await page.getByRole("button", { name: "As text" }).click();
  const text = page.getByRole("textbox", { name: "The document as JSON text" });
  await text.fill('{"title": "A report"}');
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByText("It is stored. You may not read it").waitFor();
  assert.deepEqual(await stored("/api/notes/report"), { title: "A report" });

  // One that is there already is not overwritten.
  await page.goto(`${site.address}/c/notes/plan`);
  await isFailed(page, /You may not read this/);
  await page.getByRole("button", { name: "Create it, if there is none" }).click();
  await page.getByRole("button", { name: "As text" }).click();
  await text.fill('{"title": "Another"}');
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByText("Not saved").first().waitFor();
  assert.equal(await text.inputValue(), '{"title": "Another"}');
  assert.deepEqual(await stored("/api/notes/plan"), { title: "Draft" });
  await page.goto(`${site.address}/c/notes`);
  await isFailed(page, /You may not read this/);
  await page.goto(`${site.address}/conflicts`);
  await isFailed(page, /You may not read this/);
});

test("who may read one collection sees that one alone, and is told of others", async (t) => {
  const page = await signedIn(t, "notes", "/");
  await page.getByRole("link", { name: "notes", exact: true }).waitFor();
  assert.deepEqual(await page.getByRole("row").getByRole("link").allTextContents(), ["notes"]);
  await page.getByRole("link", { name: "notes", exact: true }).click();
  await page.getByRole("link", { name: "plan" }).waitFor();
  await page.goto(`${site.address}/c/pages`);
  await isFailed(page, /You may not read this/);
  await page.goto(`${site.address}/c/pages/home`);
  await isFailed(page, /You may not read this/);
});

test("whose token is for another space is told so, and goes there", async (t) => {
  const page = await signedIn(t, "shop", "/");
  await isFailed(page, /You may not read this/);
  await page.getByText("If your token is for another space").waitFor();
  await page.getByRole("button", { name: /^Space/ }).click();
  await page.getByRole("textbox", { name: "Name of the space" }).fill("shop");
  await page.getByRole("button", { name: "Go", exact: true }).click();
  await page.getByRole("link", { name: "goods" }).click();
  await page.getByRole("link", { name: "tea" }).click();
  await isReady(page, "title");
  await field(page, "title").fill("Green tea");
  await save(page);
  await isTold(page, "Saved as version 2");
});

test("where rules decide who reads what, nothing is counted, and what one may not read is not there", async (t) => {
  await put("ben", "/api/diary/closed", { owner: "ben", title: "Closed", closed: true });
  const page = await signedIn(t, "ben", "/");
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "diary" }) });
  assert.match((await row.textContent()) ?? "", /not counted/);
  assert.match((await page.getByRole("row").filter({ has: page.getByRole("link", { name: "notes" }) }).textContent()) ?? "", /notes\s*\d/);
  await page.getByRole("link", { name: "diary" }).click();
  await page.getByRole("link", { name: "of-ben" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "of-ana" }).count(), 0);

  await page.goto(`${site.address}/c/diary/of-ana`);
  await page.getByText(/There is no document with this id in diary that you may read/).waitFor();
  await page.getByRole("button", { name: "Create it" }).click();
  await page.getByRole("button", { name: "As text" }).click();
  const text = page.getByRole("textbox", { name: "The document as JSON text" });
  await text.fill('{"owner": "ben", "title": "Taken"}');
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await isRefused(page, /may not do this/);
  assert.equal(await text.inputValue(), '{"owner": "ben", "title": "Taken"}');

  await page.goto(`${site.address}/c/diary/closed`);
  await isReady(page, "title");
  await field(page, "title").fill("Not any more");
  await save(page);
  await isRefused(page, /access rules of this collection do not allow/);
  await holds(page, "title", "Not any more");
});

test("a document that is taken out of sight while somebody edits it leaves them their text", async (t) => {
  const page = await signedIn(t, "ben", "/c/diary/of-ben");
  await isReady(page, "title");
  await field(page, "title").fill("What I wrote");
  await put("ana", "/api/diary/of-ben", { owner: "carol", title: "Mine", closed: false });
  await save(page);
  await isRefused(page, /It is gone, or you may no longer read it/);
  await holds(page, "title", "What I wrote");
  await page.reload();
  await page.getByText(/no document with this id in diary that you may read/).waitFor();
  await page.getByText("This browser keeps a draft of yours").waitFor();
});

/** A token that somebody else signed (RFC 7515). @param {object} claims */
function signed(claims) {
  const part = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${head}.${createHmac("sha256", key).update(head).digest("base64url")}`;
}

/** In seconds. */
const now = () => Math.floor(Date.now() / 1000);

test("when a token expires, another is asked for, and the draft stays", async (t) => {
  const person = await site.person(t, "Eve");
  const page = await person.open("/c/pages/home");
  const end = now() + 6;
  await enterToken(page, signed({ sub: "eve", exp: end }));
  await isReady(page, "title");
  await field(page, "title").fill("Welcome back");
  while (now() <= end) await new Promise((resolve) => setTimeout(resolve, 100));
  // Unless the page has found out before.
  await page.keyboard.press("Control+s");
  await page.getByRole("alert").filter({ hasText: "Your token has expired. What you wrote is kept." }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await isRefused(page, /expired/);
  await holds(page, "title", "Welcome back");
  await page.getByRole("button", { name: "Enter a token" }).click();
  await enterToken(page, signed({ sub: "eve", exp: now() + 600 }));
  await save(page);
  await isTold(page, "Saved as version 2");
  assert.deepEqual(await stored("/api/pages/home"), { title: "Welcome back" });
  // The page is live again.
  await put("ben", "/api/pages/home", { title: "By Ben" });
  await holds(page, "title", "By Ben");
});

test("whoever looks for a token may take longer than an answer of the server", async (t) => {
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/c/notes/plan");
  await page.getByRole("textbox", { name: "Token" }).waitFor();
  await new Promise((resolve) => setTimeout(resolve, 17_000));
  await enterToken(page, secretOf("ana"));
  await isReady(page, "title");
});

test("when the server reads its configuration again, the page stays live; a token that is gone is asked for again", async (t) => {
  await put("ana", "/api/pages/news", { title: "One" });
  const page = await signedIn(t, "ben", "/c/pages/news");
  await isReady(page, "title");
  await field(page, "title").fill("Mine");
  await site.reload(configOf(names));
  await put("ana", "/api/pages/news", { title: "One", text: "Two" });
  await isTold(page, "ana saved version 2");

  await site.reload(configOf(names.filter((name) => name !== "ben")));
  const alert = page.getByRole("alert").filter({ hasText: "The server does not take this token" });
  await alert.waitFor();
  await enterToken(page, secretOf("ana"));
  await alert.waitFor({ state: "detached" });
  await holds(page, "title", "Mine");
  await save(page);
  await isTold(page, "Saved and merged");
  assert.deepEqual(await stored("/api/pages/news"), { title: "Mine", text: "Two" });
  await site.reload(configOf(names));
});

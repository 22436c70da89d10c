/** Files where a token is asked for, where somebody may not do everything, and where there are none. */
import assert from "node:assert/strict";
import test from "node:test";
import { openSite } from "./site.mjs";

const secretOf = (/** @type {string} */ name) => `the-secret-of-${name}-0123456789`;
/** @type {Record<string, string>} */
const terms = { ana: "", reader: 'rights = ["read"]', writer: 'rights = ["write"]' };
const tokens = Object.entries(terms).map(([name, rights]) => `[[tokens]]\nname = "${name}"\nsecret = "${secretOf(name)}"\n${rights}\n`);
const site = await openSite({ config: `[files]\n${tokens.join("")}` });
const without = await openSite({ config: 'undeclared_collections = "allow"\n[files]\nenabled = false\n' });

/** @param {string} path @param {string} content @param {string} type */
async function store(path, content, type) {
  const headers = { Authorization: `Bearer ${secretOf("ana")}`, "Content-Type": type, "If-None-Match": "*" };
  const answer = await fetch(site.api + path, { method: "PUT", headers, body: content });
  assert.equal(answer.status, 201, await answer.text());
}

const picture = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="40" height="30"/></svg>';
await store("/files/plans/roof.txt", "Slate.", "text/plain");
await store("/files/plans/house.svg", picture, "image/svg+xml");
await store("/spaces/shop/files/tea/price.txt", "Three.", "text/plain");

/** @param {import("node:test").TestContext} t @param {string} name @param {string} place */
async function signedIn(t, name, place) {
  const page = await (await site.person(t, name)).open(place);
  await page.getByRole("textbox", { name: "Token" }).fill(secretOf(name));
  await page.keyboard.press("Enter");
  return page;
}

/** @param {import("playwright-core").Page} page @param {string} name @param {string} text */
const upload = (page, name, text) =>
  page.locator("input[type=file]").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

test("with a token, an image is shown, and what is downloaded is what is stored", async (t) => {
  const page = await signedIn(t, "ana", "/f/plans");
  await page.getByRole("link", { name: "house.svg" }).click();
  await page.getByRole("img", { name: "house.svg" }).waitFor();
  await page.waitForFunction(() => document.querySelector("main img")?.naturalWidth === 40);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  assert.equal((await download).suggestedFilename(), "house.svg");
  await page.goBack();
  await page.getByRole("link", { name: "roof.txt" }).waitFor();
  await upload(page, "floor.txt", "Oak.");
  await page.getByRole("table").getByRole("link", { name: "floor.txt" }).waitFor();
});

test("who may only read is told so when they upload, and who may only write can upload", async (t) => {
  const reader = await signedIn(t, "reader", "/f/plans");
  await reader.getByRole("link", { name: "roof.txt" }).waitFor();
  await upload(reader, "mine.txt", "x");
  await reader.getByRole("alert").filter({ hasText: /may not|right/ }).waitFor();

  const writer = await signedIn(t, "writer", "/f");
  await writer.getByText("You may not read this").waitFor();
  await upload(writer, "by-writer.txt", "x");
  await writer.getByRole("complementary", { name: "Uploads" }).getByText("uploaded").waitFor();
});

test("a space has files of its own", async (t) => {
  const page = await signedIn(t, "ana", "/spaces/shop/f/tea");
  await page.getByRole("link", { name: "price.txt" }).click();
  await page.getByText("Three.").waitFor();
  assert.equal(page.url(), `${site.address}/spaces/shop/f/tea/price.txt`);
  await page.getByRole("button", { name: "Lock for me" }).click();
  await page.getByText("You hold it").waitFor();
  await page.getByRole("link", { name: "Files", exact: true }).first().click();
  await page.getByRole("link", { name: "tea" }).waitFor();
  assert.equal(page.url(), `${site.address}/spaces/shop/f`);
});

test("a page of a server without files says nothing of them", async (t) => {
  await without.writer("ana").put("/api/notes/plan", { title: "Draft" });
  const ana = await without.person(t, "Ana");
  const page = await ana.context.newPage();
  const asked = page.waitForResponse(/\/files\//);
  await page.goto(`${without.address}/`);
  await page.getByRole("link", { name: "notes" }).waitFor();
  assert.equal((await asked).status(), 404);
  assert.equal(await page.getByText("Files", { exact: true }).count(), 0);
  await page.goto(`${without.address}/f`);
  await page.getByText("This server has no files").waitFor();
});

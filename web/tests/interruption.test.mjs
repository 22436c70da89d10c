import assert from "node:assert/strict";
import test from "node:test";
import { field, holds, isReady, isTold, save } from "./editor.mjs";
import { openSite } from "./site.mjs";

const site = await openSite();
const setUp = site.writer("setup");

/** Dora has a document open and has written into it. */
async function midEdit(/** @type {import("node:test").TestContext} */ t, /** @type {string} */ id) {
  await setUp.put(`/api/notes/${id}`, { title: "Draft", body: "Once" });
  const dora = await site.person(t, "Dora");
  const page = await dora.open(`/c/notes/${id}`);
  await isReady(page, "body");
  await field(page, "body").pressSequentially(" upon a time");
  return { dora, page, place: `/c/notes/${id}`, path: `/api/notes/${id}` };
}

/** Goes on with the draft that the editor offers. @param {import("playwright-core").Page} page */
async function goOn(page) {
  await page.getByRole("group", { name: "An unsaved draft" }).getByRole("button", { name: "Continue" }).click();
}

test("an edit survives a reload, and saves", async (t) => {
  const { page, path } = await midEdit(t, "reload");
  await page.reload();
  await goOn(page);
  await holds(page, "body", "Once upon a time");
  await save(page);
  await isTold(page, "Saved");
  assert.deepEqual(await setUp.read(path), { title: "Draft", body: "Once upon a time" });
});

test("an edit survives going away and Back", async (t) => {
  const { page } = await midEdit(t, "back");
  await page.goto(site.address + "/");
  await page.goBack();
  await goOn(page);
  await holds(page, "body", "Once upon a time");
});

test("an edit survives a crash of the page, and merges with what came meanwhile", async (t) => {
  const { dora, page, place, path } = await midEdit(t, "crash");
  await page.waitForFunction(isKept, "Once upon a time", { timeout: 500 });
  const crashed = page.waitForEvent("crash");
  const devtools = await dora.context.newCDPSession(page);
  devtools.send("Page.crash").catch(() => {}); // there is nobody left to answer
  await crashed;
  await setUp.put(path, { title: "Meanwhile", body: "Once" });

  const again = await dora.open(place);
  await goOn(again);
  await holds(again, "body", "Once upon a time");
  await isTold(again, "setup saved version 2");
  await save(again);
  await isTold(again, "Saved and merged with setup's version 2");
  assert.deepEqual(await setUp.read(path), { title: "Meanwhile", body: "Once upon a time" });
});

/** Runs in the page. */
function isKept(/** @type {string} */ text) {
  return Object.values(localStorage).some((kept) => kept.includes(text));
}

test("an edit outlasts the loss of the network, and is saved when it is back", async (t) => {
  const { dora, page, path } = await midEdit(t, "offline");
  await dora.context.setOffline(true);
  await field(page, "body").pressSequentially(", offline");
  await save(page);
  await page.getByText(/The server is out of reach\. Saving goes on by itself/).waitFor();
  assert.equal(await field(page, "body").inputValue(), "Once upon a time, offline");
  await setUp.put(path, { title: "Meanwhile", body: "Once" });

  await dora.context.setOffline(false);
  await page.getByText("Saved and merged with setup's version 2").first().waitFor();
  await holds(page, "title", "Meanwhile");
  assert.deepEqual(await setUp.read(path), { title: "Meanwhile", body: "Once upon a time, offline" });
});

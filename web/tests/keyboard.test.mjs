import assert from "node:assert/strict";
import test from "node:test";
import { holds, isAskedToMerge, isReady, isTold } from "./editor.mjs";
import { openSite } from "./site.mjs";

const site = await openSite();

/**
 * Presses Tab until something of this name has the focus.
 *
 * @param {import("playwright-core").Page} page
 * @param {import("playwright-core").Locator} target
 */
async function tabTo(page, target) {
  await target.waitFor();
  for (let steps = 0; steps < 80; steps++) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`no Tab leads to ${target}`);
}

test("the keyboard alone leads from the list to a resolved conflict", async (t) => {
  const setUp = site.writer("setup");
  await setUp.put("/api/notes/plan", { title: "Draft", due: "May", body: "Once" });
  const hal = await site.person(t, "Hal");
  const page = await hal.open("/c/notes");

  await tabTo(page, page.getByRole("link", { name: "plan", exact: true }));
  await page.keyboard.press("Enter");
  await isReady(page, "title");
  for (const [name, text] of [["title", "Hal's title"], ["due", "July"], ["body", "Hal's words"]]) {
    await tabTo(page, page.locator(`[data-path="/${name}"]`).getByRole("textbox"));
    await page.keyboard.press("Control+A");
    await page.keyboard.type(text ?? "");
  }
  await setUp.put("/api/notes/plan", { title: "Theirs", due: "June", body: "Once" });
  await isTold(page, "setup saved version 2");
  await page.keyboard.press("Control+s");

  await isAskedToMerge(page, /2 of 3 changes need you/);
  await page.keyboard.press("n");
  await page.keyboard.press("2");
  await page.keyboard.press("n");
  await page.keyboard.press("1");
  await page.getByText("2 of 2 decided").waitFor();
  await page.keyboard.press("Control+Enter");
  await isReady(page, "title");
  await holds(page, "due", "June");
  assert.deepEqual(await setUp.read("/api/notes/plan"), { title: "Hal's title", due: "June", body: "Hal's words" });
});

test("keys of the merge view do nothing while somebody writes", async (t) => {
  const setUp = site.writer("setup");
  await setUp.put("/api/notes/write", { title: "Draft" });
  const hal = await site.person(t, "Hal");
  const page = await hal.open("/c/notes/write");
  await isReady(page, "title");
  await page.locator('[data-path="/title"]').getByRole("textbox").fill("Mine");
  await setUp.put("/api/notes/write", { title: "Theirs" });
  await isTold(page, "setup saved version 2");
  await page.keyboard.press("Control+s");
  await isAskedToMerge(page, /1 of 1 change needs you/);
  await page.keyboard.press("n");
  await page.keyboard.press("5");
  const own = page.getByRole("group", { name: /^title/ }).getByRole("textbox");
  await own.fill("");
  await own.pressSequentially("n1p2b?");
  assert.equal(await own.inputValue(), "n1p2b?");
  assert.equal(await page.getByRole("dialog").count(), 0);
});

test("the keyboard alone leads from a folder to a decision about an upload", async (t) => {
  const setUp = site.writer("setup");
  await setUp.file("/files/keys/plan.bin", new Uint8Array([0, 1]), "application/octet-stream");
  const hal = await site.person(t, "Hal");
  const page = await hal.open("/f/keys");
  await tabTo(page, page.getByRole("link", { name: "plan.bin" }));
  // Asked for early: what the browser opens before it knows of this is lost.
  const choosing = page.waitForEvent("filechooser");
  await tabTo(page, page.getByRole("button", { name: "Upload files" }));
  await page.keyboard.press("Enter");
  await (await choosing).setFiles({ name: "plan.bin", mimeType: "application/octet-stream", buffer: Buffer.from([0, 2]) });
  await tabTo(page, page.getByRole("dialog").getByRole("button", { name: "Keep both" }));
  await page.keyboard.press("Enter");
  await page.getByRole("table").getByRole("link", { name: /conflicted copy of Hal/ }).waitFor();
});

import assert from "node:assert/strict";
import test from "node:test";
import { choose, conflict, field, holds, isAskedToMerge, isReady, isTold, save } from "./editor.mjs";
import { openSite } from "./site.mjs";

const config = `
undeclared_collections = "allow"
[collections.prose.merge]
"/body" = "text"
`;
const site = await openSite({ config });
const setUp = site.writer("setup");

/** Ana and Ben have one document open, and Ben has begun to write. */
async function twoPeople(/** @type {import("node:test").TestContext} */ t, /** @type {string} */ id, collection = "notes") {
  await setUp.put(`/api/${collection}/${id}`, { title: "Draft", body: "Once", due: "May" });
  const ana = await (await site.person(t, "Ana")).open(`/c/${collection}/${id}`);
  const ben = await (await site.person(t, "Ben")).open(`/c/${collection}/${id}`);
  await isReady(ana, "title");
  await isReady(ben, "title");
  return { ana, ben, path: `/api/${collection}/${id}` };
}

test("who edits is told of a save elsewhere, without losing place or text", async (t) => {
  const { ana, ben } = await twoPeople(t, "banner");
  await field(ben, "body").fill("Ben's words");
  await field(ana, "title").fill("Ana's title");
  await save(ana);
  await isTold(ana, "Saved");

  await isTold(ben, /Ana saved version 2 since you started editing \(title\)\. Your text is safe\./);
  assert.equal(await field(ben, "body").evaluate((body) => body === document.activeElement), true, "focus moved");
  assert.equal(await field(ben, "body").inputValue(), "Ben's words");
  assert.equal(await field(ben, "title").inputValue(), "Draft", "the draft was replaced without being asked");

  await ben.getByRole("button", { name: "Update my draft" }).click();
  await holds(ben, "title", "Ana's title");
  assert.equal(await field(ben, "body").inputValue(), "Ben's words");
});

test("edits of different members are merged by the save", async (t) => {
  const { ana, ben, path } = await twoPeople(t, "merge");
  await field(ben, "body").fill("Ben's words");
  await field(ana, "title").fill("Ana's title");
  await save(ana);
  await isTold(ben, "Ana saved version 2");
  await save(ben);
  await isTold(ben, /Saved and merged with Ana's version 2/);
  await holds(ben, "title", "Ana's title");
  assert.deepEqual(await setUp.read(path), { title: "Ana's title", body: "Ben's words", due: "May" });
});

test("who saves is asked to read a text that was put together of two", async (t) => {
  const { ana, ben, path } = await twoPeople(t, "joined", "prose");
  await field(ben, "body").fill("Once and again");
  await field(ana, "body").fill("Not Once");
  await save(ana);
  await isTold(ben, "Ana saved version 2");
  await save(ben);
  await isTold(ben, "Saved and merged with Ana's version 2, as version 3. Please read body.");
  await ben.getByRole("button", { name: "Review" }).click();
  await ben.getByRole("dialog").getByText("please read").waitFor();
  assert.deepEqual(await setUp.read(path), { title: "Draft", body: "Not Once and again", due: "May" });
});

test("edits of one member are decided by a person, and the text that loses is kept", async (t) => {
  const { ana, ben, path } = await twoPeople(t, "decide");
  await field(ben, "title").fill("Ben's title");
  await field(ben, "body").fill("Ben's words");
  await field(ana, "title").fill("Ana's title");
  await save(ana);
  await isTold(ben, "Ana saved version 2");
  await save(ben);

  await isAskedToMerge(ben, /1 of \d+ changes? needs? you/);
  const done = ben.getByRole("button", { name: "Save", exact: true });
  assert.equal(await done.isDisabled(), true, "Save is open before a choice");
  assert.equal(await ben.getByRole("radio", { checked: true }).count(), 0, "a choice is preselected");
  assert.match(await conflict(ben, /title/).innerText(), /Draft[^]*Ana's title|Ana's title[^]*Draft/);

  await choose(ben, /title/, "Theirs");
  await done.click();
  await isReady(ben, "title");
  await holds(ben, "title", "Ana's title");
  assert.deepEqual(await setUp.read(path), { title: "Ana's title", body: "Ben's words", due: "May" });

  const log = await setUp.read("/api/_conflicts?document=decide");
  const [entry] = /** @type {{ href: string }[]} */ (log["items"]);
  assert.ok(entry, "the refused edit is not in the log");
  const { edit } = await setUp.read(entry.href);
  assert.match(JSON.stringify(edit), /Ben's title/);
});

test("a merge that somebody overtakes keeps the choices that still stand", async (t) => {
  const { ana, ben, path } = await twoPeople(t, "overtaken");
  await field(ben, "title").fill("Ben's title");
  await field(ben, "due").fill("July");
  await setUp.put(path, { title: "Theirs", body: "Once", due: "June" });
  await isTold(ben, "setup saved version 2");
  await save(ben);
  await isAskedToMerge(ben, /2 of \d+ changes need you/);
  await choose(ben, /title/, "Yours");
  await choose(ben, /due/, "Theirs");
  await setUp.put(path, { title: "Theirs", body: "Once", due: "August" });
  await ben.getByText(/version 3/).first().waitFor();
  assert.equal(await conflict(ben, /title/).getByRole("radio", { name: /^Yours/ }).isChecked(), true);
  assert.equal(await conflict(ben, /due/).getByRole("radio", { checked: true }).count(), 0, "a choice stands on a value that changed");
  await choose(ben, /due/, "Theirs");
  await ben.getByRole("button", { name: "Save", exact: true }).click();
  await isReady(ben, "title");
  await holds(ben, "due", "August");
  assert.deepEqual(await setUp.read(path), { title: "Ben's title", body: "Once", due: "August" });
  await ana.close();
});

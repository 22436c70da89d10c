import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import test from "node:test";
import { promisify } from "node:util";
import { choose, conflict, isAskedToMerge } from "./editor.mjs";
import { openSite } from "./site.mjs";

const site = await openSite();
const alice = site.writer("alice");
const bob = site.writer("bob");

/** Carol looks at Alice's edit, which Bob overtook. */
async function opened(/** @type {import("node:test").TestContext} */ t, /** @type {string} */ id) {
  const path = `/api/notes/${id}`;
  const tag = await alice.put(path, { title: "Draft", due: "May", body: "Once" });
  await bob.put(path, { title: "Final", due: "June", body: "Once" });
  const logged = await alice.putLate(path, { title: "Plan", due: "July", body: "Ends" }, tag);
  const carol = await site.person(t, "carol");
  const page = await carol.open(`/conflicts/${logged.split("/").at(-1)}`);
  await resolveLink(page).waitFor();
  return { page, path, logged };
}

/** @param {import("playwright-core").Page} page */
const resolveLink = (page) => page.getByRole("link", { name: "Resolve", exact: true });

/** @param {import("playwright-core").Page} page */
const saveButton = (page) => page.getByRole("button", { name: "Save", exact: true });

test("an entry tells what happened, and what met", async (t) => {
  const { page } = await opened(t, "told");
  const steps = page.getByRole("list", { name: "What happened" }).getByRole("listitem");
  await steps.nth(1).filter({ hasText: "Version 2 by bob" }).waitFor();
  const told = await steps.allInnerTexts();
  for (const [at, words] of [/Original[^]*Version 1 by alice/, /Theirs[^]*Version 2 by bob/, /Yours[^]*alice sent PUT/, /Result[^]*Open/].entries()) {
    assert.match(told[at] ?? "", words);
  }
  const title = page.locator(".collision").filter({ has: page.getByRole("heading", { name: "title" }) });
  assert.deepEqual(await title.locator("dd").allInnerTexts(), ["Draft", "DraftFinal", "DraftPlan"]);
  assert.deepEqual(await title.locator("ins").allInnerTexts(), ["Final", "Plan"]);
  assert.match(await title.innerText(), /Both changed it.*No strategy is declared/);
});

test("a conflict is resolved with a choice for each place", async (t) => {
  const { page, path, logged } = await opened(t, "resolved");
  await resolveLink(page).click();
  await isAskedToMerge(page, /2 of 3 changes need you/);
  assert.equal(await page.getByRole("radio", { checked: true }).count(), 0, "a choice is preselected");
  await choose(page, /^title/, "Yours");
  assert.equal(await saveButton(page).isDisabled(), true, "one place is undecided");
  await choose(page, /^due/, "Edit");
  await conflict(page, /^due/).getByRole("textbox").fill("August");
  await saveButton(page).click();

  await page.getByText("Resolved by carol").waitFor();
  assert.deepEqual(await bob.read(path), { title: "Plan", due: "August", body: "Ends" });
  const entry = await bob.read(logged);
  assert.deepEqual([entry["outcome"], entry["settled_by"], entry["settled_version"]], ["resolved", "carol", 3]);
  await page.locator(".collision").last().filter({ hasText: /Result[^]*August/ }).waitFor();
});

test("who cancels a resolution is back at the entry, and nothing is written", async (t) => {
  const { page, path, logged } = await opened(t, "cancelled");
  await resolveLink(page).click();
  await choose(page, /^title/, "Yours");
  await page.getByRole("button", { name: "Cancel" }).click();
  await resolveLink(page).waitFor();
  assert.equal((await bob.read(logged))["outcome"], "open");
  assert.deepEqual(await bob.read(path), { title: "Final", due: "June", body: "Once" });
});

test("who is overtaken keeps the choices that still stand", async (t) => {
  const { page, path } = await opened(t, "overtaken");
  await resolveLink(page).click();
  await choose(page, /^title/, "Yours");
  await choose(page, /^due/, "Theirs");
  await bob.put(path, { title: "Final", due: "September", body: "Once" });
  await saveButton(page).click();
  await page.getByRole("alert").filter({ hasText: "Somebody saved in the meantime" }).waitFor();
  await conflict(page, /^due/).getByText("September").first().waitFor();
  assert.equal(await conflict(page, /^title/).getByRole("radio", { name: /^Yours/ }).isChecked(), true);
  assert.equal(await conflict(page, /^due/).getByRole("radio", { checked: true }).count(), 0);
  await choose(page, /^due/, "Theirs");
  await saveButton(page).click();
  await page.getByText("Resolved by carol").waitFor();
  assert.deepEqual(await bob.read(path), { title: "Plan", due: "September", body: "Ends" });
});

test("a patch that came too late is resolved like a document", async (t) => {
  const tag = await alice.put("/api/notes/patched", { title: "Draft", due: "May" });
  await bob.put("/api/notes/patched", { title: "Final", due: "May" });
  const patch = [{ op: "replace", path: "/title", value: "Patched" }, { op: "add", path: "/more", value: 1 }];
  const type = { "Content-Type": "application/json-patch+json", "If-Match": tag };
  const refusal = await alice.send("PATCH", "/api/notes/patched", patch, type);
  const { logged } = /** @type {{ logged: string }} */ (await refusal.json());
  const carol = await site.person(t, "carol");
  const page = await carol.open(`/conflicts/${logged.split("/").at(-1)}?resolve`);
  await choose(page, /^title/, "Yours");
  await saveButton(page).click();
  await page.getByText("Resolved by carol").waitFor();
  assert.deepEqual(await bob.read("/api/notes/patched"), { title: "Patched", due: "May", more: 1 });
});

test("a way is tried without storing anything", async (t) => {
  const { page, path } = await opened(t, "tried");
  const before = await bob.tagOf(path);
  for (const [way, title] of [["All theirs", "Final"], ["All yours", "Plan"], ["All original", "Draft"]]) {
    await page.getByRole("button", { name: way }).click();
    await page.locator(".tried").filter({ hasText: `"title": "${title}"` }).waitFor();
  }
  assert.equal(await bob.tagOf(path), before);
});

test("the line of curl does what it says", async (t) => {
  const { page, path } = await opened(t, "it's curled");
  await page.getByRole("button", { name: "All yours" }).click();
  await page.getByText("as a line of curl").click();
  const line = await page.getByLabel("Line of curl").innerText();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy as curl" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), line);

  await promisify(execFile)("sh", ["-c", `${line} --fail --silent`]);
  assert.deepEqual(await bob.read(path), { title: "Plan", due: "July", body: "Ends" });
});

test("who comes second is told who settled it", async (t) => {
  const { page, logged } = await opened(t, "second");
  await resolveLink(page).click();
  await choose(page, /^title/, "Yours");
  await choose(page, /^due/, "Yours");
  await bob.send("POST", `${logged}/resolve`, { dismiss: true });
  await saveButton(page).click();
  await page.getByText("Dismissed by bob").waitFor();
  assert.equal(await page.getByText("Version null").count(), 0);
  assert.equal(await resolveLink(page).count(), 0);
});

test("an entry is dismissed after a confirmation, and says why", async (t) => {
  const { page, path, logged } = await opened(t, "dismissed");
  await page.getByRole("button", { name: "Dismiss" }).click();
  const reason = "Alice wrote it into <b>the minutes</b>";
  await page.getByLabel("Reason (optional)").fill(`  ${reason} `);
  await page.getByRole("dialog").getByRole("button", { name: "Dismiss" }).click();
  await page.getByText("Dismissed by carol").waitFor();
  await page.getByText(reason).waitFor();
  const settled = await bob.read(logged);
  assert.deepEqual([settled["outcome"], settled["settled_reason"]], ["dismissed", reason]);
  assert.deepEqual(await bob.read(path), { title: "Final", due: "June", body: "Once" });
});

test("edits that have no original, delete, or cannot be stored any more are told apart", async (t) => {
  const carol = await site.person(t, "carol");
  const refused = async (/** @type {Response} */ answer) => {
    const { logged } = /** @type {{ logged: string }} */ (await answer.json());
    return carol.open(`/conflicts/${logged.split("/").at(-1)}`);
  };
  const tag = await alice.put("/api/notes/odd", { title: "Draft" });
  await bob.put("/api/notes/odd", { title: "Final" });

  const unknown = await refused(await alice.send("PUT", "/api/notes/odd", { title: "New" }, { "If-None-Match": "*" }));
  await unknown.getByText("What the edit began from is not known.").waitFor();
  await resolveLink(unknown).click();
  await choose(unknown, /the whole document/, "Yours");
  await saveButton(unknown).click();
  await unknown.getByText("Resolved by carol").waitFor();

  const deletion = await refused(await alice.send("DELETE", "/api/notes/odd", undefined, { "If-Match": tag }));
  await resolveLink(deletion).click();
  await choose(deletion, /the whole document/, "Yours");
  await saveButton(deletion).click();
  await deletion.getByText("Resolved by carol").waitFor();
  assert.equal((await bob.send("GET", "/api/notes/odd")).status, 410);

  const gone = await refused(await alice.send("PUT", "/api/notes/odd", { title: "Late" }, { "If-Match": tag }));
  await resolveLink(gone).click();
  await gone.getByText("The document was deleted since. To save creates it again.").waitFor();
  await saveButton(gone).click();
  await gone.getByText("Resolved by carol").waitFor();
  assert.deepEqual(await bob.read("/api/notes/odd"), { title: "Late" });
});

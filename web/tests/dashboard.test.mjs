import assert from "node:assert/strict";
import test from "node:test";
import { openSite } from "./site.mjs";

const site = await openSite();
const bob = site.writer("bob");
const alice = site.writer("alice");

/** Bob overtakes Alice: answers where the log has her edit. @param {string} path */
async function overtake(path, due = "July") {
  const tag = await alice.put(path, { title: "Draft", due: "May" });
  await bob.put(path, { title: "Final", due: "June" });
  return alice.putLate(path, { title: "Plan", due }, tag);
}

for (let n = 0; n < 60; n++) await overtake(`/api/many/m${n % 6}`);
await bob.send("PUT", "/api/many/m0", {}, { "If-Match": '"1-0000000000000"' });

/** @param {import("playwright-core").Page} page */
const entryLinks = (page) => page.getByRole("region", { name: "Refused writes" }).locator("tbody tr");

/** @param {import("playwright-core").Page} page @param {number} count */
const rowsAre = (page, count) =>
  page.waitForFunction((count) => document.querySelectorAll(".log-table tbody tr").length === count, count);

test("the numbers, the chart and the rankings say what the log holds", async (t) => {
  const carol = await site.person(t, "carol");
  const page = await carol.open("/conflicts");
  const refused = page.locator("dl.numbers > div").filter({ hasText: "Refused" });
  await refused.filter({ hasText: "61" }).waitFor();

  const chart = page.getByRole("img", { name: /Refused and merged edits per hour/ });
  assert.match(await chart.locator("desc").textContent() ?? "", /Most were refused .*6\d edits/);
  await page.getByText("As a table").click();
  const rows = page.locator(".chart tbody tr");
  assert.ok((await rows.count()) >= 24, "an hour is missing in the table");

  await page.getByRole("link", { name: "last week" }).click();
  await page.getByRole("img", { name: /per day/ }).waitFor();
  assert.match(page.url(), /span=week/);

  const ranking = page.getByRole("table", { name: "Documents" });
  assert.equal(await ranking.getByRole("link", { name: "many/m0" }).getAttribute("href"), "c/many/m0");
  await page.getByRole("table", { name: "People and programs" }).getByRole("row", { name: /bob/ }).getByRole("link").click();
  await rowsAre(page, 1);
  assert.match(page.url(), /by=bob/);
  assert.match(page.url(), /span=week/);
});

test("the log loads page after page, and its filters are in the address", async (t) => {
  const carol = await site.person(t, "carol");
  const page = await carol.open("/conflicts?collection=many");
  await rowsAre(page, 50);
  await page.getByRole("button", { name: "Show more" }).scrollIntoViewIfNeeded();
  await rowsAre(page, 61);

  await page.getByLabel("Document").fill("m3");
  await page.keyboard.press("Enter");
  await rowsAre(page, 10);
  await page.getByLabel("Outcome").selectOption("resolved");
  await page.getByText("Nothing in the log matches").waitFor();
  assert.equal(new URL(page.url()).search, "?collection=many&document=m3&outcome=resolved");

  await page.reload();
  await page.getByText("Nothing in the log matches").waitFor();
  assert.equal(await page.getByLabel("Document").inputValue(), "m3");
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await rowsAre(page, 50);
});

test("a filter of time is meant in local time", async (t) => {
  await overtake("/api/timely/one");
  const carol = await site.person(t, "carol", { timezoneId: "Asia/Tokyo" });
  const page = await carol.open("/conflicts?collection=timely");
  await rowsAre(page, 1);
  await page.getByLabel("Until").fill("2001-02-03T04:05");
  await page.getByText("Nothing in the log matches").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("until"), "2001-02-02T19:05:00.000Z");
});

test("chosen conflicts are dismissed, but not before they are confirmed", async (t) => {
  for (const id of ["a", "b", "c"]) await overtake(`/api/dismissed/${id}`);
  const carol = await site.person(t, "carol");
  const page = await carol.open("/conflicts?collection=dismissed");
  await rowsAre(page, 3);
  await page.getByRole("checkbox", { name: "Choose alice's edit of a" }).check();
  await page.getByRole("checkbox", { name: "Choose alice's edit of b" }).check();
  await page.getByRole("button", { name: "Dismiss 2 chosen" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  assert.equal(await openIn("dismissed"), 3);

  await page.getByRole("button", { name: "Dismiss 2 chosen" }).click();
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await openIn("dismissed"), 3, "Esc is not Cancel");

  await page.getByRole("button", { name: "Dismiss 2 chosen" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Dismiss" }).click();
  await page.getByRole("status").filter({ hasText: "2 conflicts dismissed" }).waitFor();
  assert.equal(await openIn("dismissed"), 1);
  const silent = await bob.read("/api/_conflicts?outcome=dismissed&collection=dismissed");
  assert(silent.items.every((/** @type {object} */ entry) => !("settled_reason" in entry)));

  await page.getByRole("button", { name: "Dismiss all open ones that match" }).click();
  await page.getByLabel("Reason (optional)").fill("A script that ran twice");
  await page.getByRole("dialog").getByRole("button", { name: "Dismiss" }).click();
  await page.getByRole("status").filter({ hasText: "1 conflict dismissed" }).waitFor();
  assert.equal(await openIn("dismissed"), 0);
  await page.getByText("A script that ran twice").waitFor();
  assert.equal(await openIn("many"), 61, "others were dismissed with them");
});

/** How many of a collection are open. @param {string} collection */
async function openIn(collection) {
  const log = await bob.read(`/api/_conflicts?outcome=open&limit=1000&collection=${collection}`);
  return /** @type {unknown[]} */ (log["items"]).length;
}

test("an entry is reached from the log by its time", async (t) => {
  const logged = await overtake("/api/reached/one");
  const carol = await site.person(t, "carol");
  const page = await carol.open("/conflicts?collection=reached");
  await entryLinks(page).first().getByRole("link").first().click();
  await page.getByRole("heading", { level: 1, name: "Refused edit of one" }).waitFor();
  assert.equal(page.url(), `${site.address}/conflicts/${logged.split("/").at(-1)}`);
});

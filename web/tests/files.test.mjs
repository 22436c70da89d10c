import assert from "node:assert/strict";
import test from "node:test";
import { openSite } from "./site.mjs";

const site = await openSite();
const ben = site.writer("Ben");

const store = ben.file;

/** @param {string} path */
async function textAt(path) {
  const answer = await fetch(site.api + path);
  assert.ok(answer.ok, `GET ${path}: ${answer.status}`);
  return answer.text();
}

/** What is in a folder. @param {string} path */
async function names(path) {
  const { items } = await (await fetch(`${site.api}${path}`)).json();
  return items.map((/** @type {{ name: string }} */ { name }) => name);
}

/** @param {string} name @param {string} text */
const fileOf = (name, text) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

/** Chooses files to upload, and waits until each is in the list. @param {import("playwright-core").Page} page @param {ReturnType<typeof fileOf>[]} files */
const upload = (page, ...files) => page.locator("input[type=file]").setInputFiles(files);

/** The row of an upload says this. @param {import("playwright-core").Page} page @param {string | RegExp} name @param {string} words */
const isSaid = (page, name, words) =>
  page.getByRole("complementary", { name: "Uploads" }).locator("li").filter({ hasText: name }).filter({ hasText: words }).waitFor();

/** Ana uploads a file of a name that Ben's has. @param {import("node:test").TestContext} t @param {string} folder */
async function collide(t, folder, theirs = "Ben's words\n", mine = "Ana's words\n") {
  await store(`/files/${folder}/plan.txt`, theirs);
  const ana = await site.person(t, "Ana");
  const page = await ana.open(`/f/${folder}`);
  await page.getByRole("link", { name: "plan.txt" }).waitFor();
  await upload(page, fileOf("plan.txt", mine));
  const dialog = page.getByRole("dialog", { name: "plan.txt is there already" });
  await dialog.waitFor();
  return { page, dialog };
}

/** How many refused uploads of a folder wait for a decision. @param {string} folder */
async function openIn(folder) {
  const log = await ben.read("/api/_conflicts?outcome=open&limit=1000&collection=_files");
  const items = /** @type {{ document: string }[]} */ (log["items"]);
  return items.filter(({ document }) => document.startsWith(`${folder}/`)).length;
}

/** @param {string} folder */
async function isSettled(folder) {
  for (let tries = 0; tries < 50; tries++) {
    if ((await openIn(folder)) === 0) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail("the log still asks for what was decided");
}

test("a folder is listed, folders first, and leads to what is in it", async (t) => {
  await store("/files/listed/b.txt", "four");
  await store("/files/listed/a10.txt", "much longer");
  await store("/files/listed/a9.txt", "one");
  await store("/files/listed/z/inner.txt", "x");
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/");
  await page.getByRole("link", { name: "All files" }).click();
  await page.getByRole("link", { name: "listed" }).click();
  await page.getByRole("heading", { level: 1, name: "listed" }).waitFor();
  const rows = page.locator("tbody th a");
  await rows.first().waitFor();
  assert.deepEqual(await rows.allTextContents(), ["z", "a9.txt", "a10.txt", "b.txt"]);
  await page.getByRole("button", { name: "Size" }).click();
  assert.deepEqual(await rows.allTextContents(), ["z", "a9.txt", "b.txt", "a10.txt"]);
  await page.getByRole("button", { name: "Size" }).click();
  assert.deepEqual(await rows.allTextContents(), ["z", "a10.txt", "b.txt", "a9.txt"]);
  assert.match(page.url(), /\/f\/listed\?sort=-size$/);
  await page.getByRole("link", { name: "z", exact: true }).click();
  await page.getByRole("link", { name: "inner.txt" }).waitFor();
  assert.equal(page.url(), `${site.address}/f/listed/z`);
  await page.getByRole("navigation", { name: "Where this is" }).getByRole("link", { name: "listed" }).click();
  await page.getByRole("link", { name: "a9.txt" }).waitFor();
});

test("a long folder is loaded as somebody scrolls", async (t) => {
  const numbers = Array.from({ length: 501 }, (_, n) => String(n).padStart(4, "0"));
  for (let at = 0; at < numbers.length; at += 20) {
    await Promise.all(numbers.slice(at, at + 20).map((n) => store(`/files/long/${n}.txt`, n)));
  }
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/f/long");
  await page.getByRole("link", { name: "0499.txt" }).waitFor();
  await page.getByRole("button", { name: "Show more" }).scrollIntoViewIfNeeded();
  await page.getByRole("link", { name: "0500.txt" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Show more" }).count(), 0);
});

test("files are uploaded by a button and by a drop, also whole folders", async (t) => {
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/f/inbox");
  await page.getByText("There is no file or folder").waitFor();
  await page.goto(`${site.address}/f`);
  await page.getByRole("button", { name: "New folder" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("inbox");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "inbox" }).click();
  await page.getByText("Nothing is in this folder").waitFor();
  await upload(page, fileOf("one.txt", "1"), fileOf("zwei & drei?.txt", "23"));
  await page.getByRole("table").getByRole("link", { name: "one.txt" }).waitFor();
  await page.getByRole("table").getByRole("link", { name: "zwei & drei?.txt" }).waitFor();

  const dropped = await page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(["dropped"], "dropped.txt", { type: "text/plain" }));
    return data;
  });
  for (const kind of ["dragover", "drop"]) await page.dispatchEvent(".drop-place", kind, { dataTransfer: dropped });
  await page.getByRole("table").getByRole("link", { name: "dropped.txt" }).waitFor();
  assert.deepEqual(await names("/files/inbox/"), ["dropped.txt", "one.txt", "zwei & drei?.txt"]);
  assert.equal(await textAt("/files/inbox/dropped.txt"), "dropped");
  await page.getByRole("table").getByText("You").first().waitFor();
});

test("an upload can be cancelled while it goes, and one at a place that is taken says so", async (t) => {
  await store("/files/slow/x/y.txt", "y");
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/f/slow");
  await page.getByRole("link", { name: "x", exact: true }).waitFor();
  await page.route("**/files/slow/large.bin", () => {}); // it is never answered
  await upload(page, fileOf("large.bin", "large"));
  await page.getByRole("button", { name: "Cancel large.bin" }).click();
  await isSaid(page, "large.bin", "cancelled");
  assert.deepEqual(await names("/files/slow/"), ["x"]);
  await upload(page, fileOf("x", "no folder"));
  await isSaid(page, "x", "is a folder, and not a file");
  await page.getByRole("button", { name: "Clear" }).click();
  assert.equal(await page.getByRole("complementary", { name: "Uploads" }).count(), 0);
});

test("the same content again is no conflict", async (t) => {
  await store("/files/same/plan.txt", "the same");
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/f/same");
  await page.getByRole("link", { name: "plan.txt" }).waitFor();
  await upload(page, fileOf("plan.txt", "the same"));
  await isSaid(page, "plan.txt", "there already, with the same content");
  await isSettled("same");
});

test("who collides learns who was there, and nothing is chosen for them", async (t) => {
  const { page, dialog } = await collide(t, "asked");
  await dialog.getByText("Ben", { exact: true }).waitFor();
  await dialog.getByText("version 1, 12 B").waitFor();
  assert.deepEqual(await dialog.getByRole("listitem").getByRole("button").allTextContents(), ["Keep both", "Replace", "Merge", "Skip"]);
  assert.equal(await dialog.getByRole("radio", { checked: true }).count(), 0);
  assert.equal(await dialog.locator("li :focus").count(), 0, "a choice has the focus");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await isSaid(page, "plan.txt", "is there already");
  assert.equal(await textAt("/files/asked/plan.txt"), "Ben's words\n");
  await page.getByRole("button", { name: "Decide about plan.txt" }).click();
  await dialog.waitFor();
});

test("to keep both stores a copy beside the other", async (t) => {
  const { page, dialog } = await collide(t, "both");
  await dialog.getByRole("button", { name: "Keep both" }).click();
  await page.getByRole("table").getByRole("link", { name: /^plan \(conflicted copy of Ana, / }).waitFor();
  assert.equal(await textAt("/files/both/plan.txt"), "Ben's words\n");
  const copy = (await names("/files/both/")).find((/** @type {string} */ name) => name.includes("conflicted"));
  assert.equal(await textAt(`/files/both/${encodeURIComponent(copy)}`), "Ana's words\n");
  await isSettled("both");
});

test("to replace replaces what was shown, and asks again if somebody was faster", async (t) => {
  const { page, dialog } = await collide(t, "replaced");
  await store("/files/replaced/plan.txt", "Ben's second words\n");
  await dialog.getByRole("button", { name: "Replace" }).click();
  await dialog.getByText("version 2, 19 B").waitFor();
  assert.equal(await textAt("/files/replaced/plan.txt"), "Ben's second words\n");
  await dialog.getByRole("button", { name: "Replace" }).click();
  await isSaid(page, "plan.txt", "uploaded");
  assert.equal(await textAt("/files/replaced/plan.txt"), "Ana's words\n");
  assert.equal(await textAt("/file-versions/replaced/plan.txt?version=2"), "Ben's second words\n");
  await isSettled("replaced");
});

test("to skip changes nothing, for one or for all", async (t) => {
  for (const name of ["a", "b", "c"]) await store(`/files/skipped/${name}`, "theirs");
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/f/skipped");
  await page.getByRole("link", { name: "a", exact: true }).waitFor();
  await upload(page, fileOf("a", "1"), fileOf("b", "2"), fileOf("c", "3"), fileOf("d", "4"));
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("checkbox", { name: /the same for 2 more/ }).check();
  await dialog.getByRole("button", { name: "Skip" }).click();
  for (const name of ["a", "b", "c"]) await isSaid(page, name, "skipped");
  await isSaid(page, "d", "uploaded");
  assert.equal(await textAt("/files/skipped/b"), "theirs");
  await isSettled("skipped");
});

test("two texts of one name are joined by a person, with all lines of both to begin with", async (t) => {
  const { page, dialog } = await collide(t, "joined", "one\ntwo, by Ben\nthree\n", "one\ntwo, by Ana\nthree\nfour\n");
  await dialog.getByRole("button", { name: "Merge" }).click();
  const join = page.getByRole("dialog", { name: "Join plan.txt" });
  const text = join.getByRole("textbox", { name: "One text of both" });
  const save = join.getByRole("button", { name: "Save as version 2" });
  assert.equal(await save.isDisabled(), true, "marks can be saved");
  assert.match(await text.inputValue(), /two, by Ben\n=+\ntwo, by Ana/);
  await text.fill("one\ntwo, by both\nthree\nfour\n");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Decide about plan.txt" }).click();
  assert.equal(await text.inputValue(), "one\ntwo, by both\nthree\nfour\n", "what was typed is lost");
  await save.click();
  await isSaid(page, "plan.txt", "uploaded");
  assert.equal(await textAt("/files/joined/plan.txt"), "one\ntwo, by both\nthree\nfour\n");
  await isSettled("joined");
});

test("a new version that came too late is joined from the version that it was made of", async (t) => {
  await store("/files/based/plan.txt", "one\r\ntwo\r\nthree\r\nfour\r\n");
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/f/based/plan.txt");
  await page.getByText("two").waitFor();
  await store("/files/based/plan.txt", "one, by Ben\r\ntwo\r\nthree\r\nfour\r\n");
  await page.locator("input[type=file]").setInputFiles(fileOf("anything.txt", "one\r\ntwo\r\nthree\r\nfour, by Ana\r\n"));
  const dialog = page.getByRole("dialog", { name: "plan.txt has changed" });
  await dialog.getByText("made of version 1").waitFor();
  await dialog.getByRole("button", { name: "Merge" }).click();
  // Somebody is faster once more: what was joined is joined again.
  const save = page.getByRole("button", { name: /Save as version/ });
  await save.waitFor();
  await store("/files/based/plan.txt", "one, by Ben\r\ntwo, by Ben\r\nthree\r\nfour\r\n");
  await save.click();
  await page.getByRole("button", { name: "Save as version 4" }).click();
  await isSaid(page, "plan.txt", "uploaded");
  assert.equal(await textAt("/files/based/plan.txt"), "one, by Ben\r\ntwo, by Ben\r\nthree\r\nfour, by Ana\r\n");
  await page.getByText("four, by Ana").waitFor();
  await isSettled("based");
});

test("an old version is looked at and restored as a new one", async (t) => {
  await store("/files/old/plan.txt", "first words");
  await store("/files/old/plan.txt", "second words");
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/f/old/plan.txt");
  await page.getByText("second words").waitFor();
  await page.getByRole("button", { name: "History" }).click();
  await page.getByRole("dialog").getByRole("listitem").filter({ hasText: "11 B" }).getByRole("link", { name: "Open" }).click();
  await page.getByText("first words").waitFor();
  await page.getByText("This is version 1").waitFor();
  await page.getByRole("button", { name: "History" }).click();
  await page.getByRole("button", { name: "Restore" }).click();
  await page.getByRole("dialog", { name: "Restore version 1?" }).getByRole("button", { name: "Restore" }).click();
  await page.getByRole("heading", { name: "Version 3" }).waitFor();
  await page.getByText("first words").waitFor();
  assert.equal(page.url(), `${site.address}/f/old/plan.txt`);
  assert.equal(await textAt("/files/old/plan.txt"), "first words");
  assert.equal(await textAt("/file-versions/old/plan.txt?version=2"), "second words");
});

test("a question about a deletion stays one about the version that was seen", async (t) => {
  await store("/files/unseen/plan.txt", "words");
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/f/unseen/plan.txt");
  await page.getByText("words").waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await store("/files/unseen/plan.txt", "other words");
  const sure = page.getByRole("dialog", { name: "Delete plan.txt?" });
  for (let tries = 0; tries < 2; tries++) {
    await sure.getByRole("button", { name: "Delete" }).click();
    await sure.getByText("nothing was deleted").waitFor();
    await page.getByText("other words").waitFor();
  }
  assert.equal(await textAt("/files/unseen/plan.txt"), "other words");
});

test("a file is deleted with its tag, and brought back", async (t) => {
  await store("/files/gone/plan.txt", "words");
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/f/gone/plan.txt");
  await page.getByText("words").waitFor();
  await store("/files/gone/plan.txt", "other words");
  await page.getByRole("button", { name: "Delete" }).click();
  const sure = page.getByRole("dialog", { name: "Delete plan.txt?" });
  await sure.getByRole("button", { name: "Delete" }).click();
  await sure.getByText("Somebody saved this file since you looked, so nothing was deleted").waitFor();
  await sure.getByRole("button", { name: "Keep it" }).click();
  await page.getByText("other words").waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await sure.getByRole("button", { name: "Delete" }).click();
  await page.getByText("Nothing is in this folder").waitFor();
  await page.goto(`${site.address}/f/gone/plan.txt`);
  await page.getByText("deleted this file").waitFor();
  await page.getByRole("button", { name: "Bring version 2 back" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Restore" }).click();
  await page.getByText("other words").waitFor();
});

test("a folder that changed since is not deleted", async (t) => {
  await store("/files/whole/a/plan.txt", "words");
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/f/whole");
  await page.getByRole("link", { name: "a", exact: true }).waitFor();
  await store("/files/whole/a/late.txt", "late");
  await page.getByRole("button", { name: "Delete" }).click();
  const sure = page.getByRole("dialog", { name: "Delete whole?" });
  await sure.getByRole("button", { name: "Delete" }).click();
  await sure.getByText("Somebody changed something in this folder since you looked, so nothing was deleted").waitFor();
  assert.equal(await textAt("/files/whole/a/late.txt"), "late");
  await sure.getByRole("button", { name: "Keep it" }).click();
  await page.locator(".arrived").getByRole("button", { name: "show" }).click();
  await page.locator(".arrived").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Delete" }).click();
  await sure.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { level: 1, name: "Files" }).waitFor();
  assert.equal((await fetch(`${site.api}/files/whole/a/late.txt`)).status, 410);
  await page.goto(`${site.address}/f/whole`);
  await page.getByText("deleted this folder").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Bring version/ }).count(), 0);
});

test("a lock keeps others from saving, and its holder can", async (t) => {
  await store("/files/locked/plan.txt", "words");
  const ana = await site.person(t, "Ana");
  const eva = await site.person(t, "Eva");
  const [page, other] = [await ana.open("/f/locked/plan.txt"), await eva.open("/f/locked/plan.txt")];
  await page.getByRole("button", { name: "Lock for me" }).click();
  await page.getByText("You hold it").waitFor();
  await other.getByText("words").waitFor();
  await other.locator("input[type=file]").setInputFiles(fileOf("plan.txt", "Eva's"));
  await isSaid(other, "plan.txt", "Ana holds the lock");
  await page.locator("input[type=file]").setInputFiles(fileOf("plan.txt", "Ana's"));
  await isSaid(page, "plan.txt", "uploaded");
  assert.equal(await textAt("/files/locked/plan.txt"), "Ana's");
  await page.getByRole("button", { name: "Release" }).click();
  await page.getByText("Nobody holds it").waitFor();
});

const evil = '</pre><script>alert("file")</script><img src=x onerror=alert(1)>\u202Etxt.exe';
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" onload="alert(1)"><script>alert(2)</script><rect width="40" height="40"/></svg>';

test("hostile names and contents do nothing", async (t) => {
  const name = "<img src=x onerror=alert(1)>\u202Egnp.exe";
  await store(`/files/evil/${encodeURIComponent(name)}`, evil, "text/html");
  await store("/files/evil/picture.svg", svg, "image/svg+xml");
  await store("/files/evil/javascript%3Aalert(1)", "x", 'text/x; <script>alert(1)</script>');
  const eva = await site.person(t, "Eva");
  const page = await eva.open("/f/evil");
  await page.getByRole("link", { name }).click();
  await page.locator("pre").filter({ hasText: "</pre><script>" }).waitFor();
  await page.goBack();
  await page.getByRole("link", { name: "picture.svg" }).click();
  const image = page.getByRole("img", { name: "picture.svg" });
  await image.waitFor();
  await page.waitForFunction(() => (document.querySelector(".preview img")?.naturalWidth ?? 0) > 0);
  await page.goBack();
  await page.getByRole("link", { name: "javascript:alert(1)" }).click();
  await page.getByRole("heading", { level: 1, name: "javascript:alert(1)" }).waitFor();
  assert.equal(await page.evaluate(() => [...document.scripts].filter((script) => !script.src.endsWith("/_page/page.js")).length), 0);
});

test("of a long text the beginning is shown, and of other bytes nothing", async (t) => {
  await store("/files/shown/long.txt", `${"é".repeat(40_000)}end`);
  await fetch(`${site.api}/files/shown/bytes`, { method: "PUT", headers: { "If-None-Match": "*" }, body: new Uint8Array([0, 255, 254, 1]) });
  await store("/files/shown/empty.txt", "");
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/f/shown/long.txt");
  await page.getByText("The first 64 KiB of 78 KiB").waitFor();
  assert.equal(await page.locator("pre").textContent(), "é".repeat(32 * 1024));
  await page.goto(`${site.address}/f/shown/bytes`);
  await page.getByText("Files of this kind are not shown here").waitFor();
  await page.goto(`${site.address}/f/shown/empty.txt`);
  await page.getByText("The file is empty").waitFor();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).click();
  assert.equal((await download).suggestedFilename(), "empty.txt");
});

test("an upload from the log leads to its file", async (t) => {
  await store("/files/logged/plan.txt", "one");
  await store("/files/logged/plan.txt", "two");
  const late = await fetch(`${site.api}/files/logged/plan.txt`, {
    method: "PUT",
    headers: { "If-Match": '"1-0000000000000"', "X-Actor": "Carol" },
    body: "late",
  });
  assert.equal(late.status, 409);
  const { logged } = /** @type {{ logged: string }} */ (await late.json());
  const ana = await site.person(t, "Ana");
  const page = await ana.open(`/conflicts/${logged.split("/").at(-1)}`);
  assert.equal(await page.getByRole("link", { name: "Resolve", exact: true }).count(), 0);
  await page.getByRole("link", { name: "Open the file" }).click();
  await page.getByText("two").waitFor();
  assert.equal(page.url(), `${site.address}/f/logged/plan.txt`);
});

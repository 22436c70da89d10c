/** A server that limits how often somebody may ask: the page waits, and nothing that somebody wrote is lost. */
import assert from "node:assert/strict";
import test from "node:test";
import { field, holds, isReady, isTold, save } from "./editor.mjs";
import { openSite } from "./site.mjs";

const site = await openSite({ config: `[collections.notes]\n[rates]\nreads = { per_second = 2, burst = 3 }\nwrites = { per_second = 1, burst = 1 }\n` });

/** The limits are counted for each address: the test asks as seldom as it can. @param {string} method @param {object} [body] */
async function send(method, body) {
  for (;;) {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${site.api}/api/notes/plan`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    if (answer.status !== 429) return answer;
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(answer.headers.get("retry-after"))));
  }
}

test("reads and writes that come too often wait until they may", async (t) => {
  await send("PUT", { title: "Draft" });
  const ana = await site.person(t, "Ana");
  let refusals = 0;
  ana.context.on("response", (response) => void (response.status() === 429 && refusals++));
  const page = await ana.open("/c/notes/plan");
  await isReady(page, "title");
  for (const [index, title] of ["One", "Two", "Three"].entries()) {
    await field(page, "title").fill(title);
    await save(page);
    await isTold(page, `Saved as version ${index + 2}`);
    await holds(page, "title", title);
  }
  await page.goto(`${site.address}/`);
  await page.getByRole("link", { name: "notes" }).waitFor();
  await page.goto(`${site.address}/conflicts`);
  await page.getByRole("region", { name: "Refused writes" }).or(page.getByText("Nothing was refused yet")).first().waitFor();
  assert.ok(refusals > 0, "nothing came too often");
  assert.equal(await page.getByRole("group", { name: "What went wrong" }).count(), 0);
  assert.deepEqual(await (await send("GET")).json(), { title: "Three" });
});

test("a long pause is told, can be given up, and the save goes on after it", async (t) => {
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/c/notes/plan");
  await isReady(page, "title");
  // Longer than a client waits for one answer.
  let pauseS = 3600;
  let sent = 0;
  await page.route("**/api/notes/plan", (route) => {
    if (route.request().method() !== "PUT" || sent++ > 1) return route.fallback();
    const body = JSON.stringify({ type: "/problems/rate-limited", title: "You ask too often", status: 429, detail: `Wait ${pauseS} s.` });
    return route.fulfill({ status: 429, headers: { "Retry-After": String(pauseS) }, contentType: "application/problem+json", body });
  });
  await field(page, "title").fill("Four");
  await save(page);
  const told = page.getByText("The server has too much to do. Saving goes on by itself soon.");
  await told.waitFor();
  await page.getByRole("button", { name: "Do not save yet" }).click();
  await told.waitFor({ state: "detached" });
  await holds(page, "title", "Four");
  pauseS = 17;
  await save(page);
  await told.waitFor();
  await field(page, "title").fill("Five");
  await page.getByText("Saved as version 5").first().waitFor({ timeout: 30_000 });
  assert.deepEqual(await (await send("GET")).json(), { title: "Five" });
  assert.equal(sent, 3);
});

import assert from "node:assert/strict";
import test from "node:test";
import { openSite } from "./site.mjs";

const secret = "the-secret-of-ana-0123456789";
const config = `[[tokens]]\nname = "ana"\nsecret = "${secret}"\n`;
const site = await openSite({ config });
const stored = await fetch(`${site.api}/api/notes/plan`, {
  method: "PUT",
  headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
  body: '{"title":"Draft"}',
});
assert.equal(stored.status, 201);

/** @param {import("playwright-core").Page} page */
const tokenField = (page) => page.getByRole("textbox", { name: "Token" });

test("a token is asked for, refused, accepted, and kept for the session of the tab alone", async (t) => {
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/c/notes");
  await tokenField(page).fill("not-the-secret");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: /token|refused|not accept|unknown/i }).waitFor();

  await tokenField(page).fill(secret);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "plan" }).waitFor();
  assert.equal(await tokenField(page).count(), 0);

  await page.reload();
  await page.getByRole("link", { name: "plan" }).waitFor();

  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }) + document.cookie + location.href);
  assert.equal(kept.includes(secret), false, "the token outlives the session");
  const other = await ana.open("/c/notes");
  await tokenField(other).waitFor();
});

test("the dashboard asks for the token too", async (t) => {
  const ana = await site.person(t, "Ana");
  const page = await ana.open("/conflicts");
  await tokenField(page).fill(secret);
  await page.keyboard.press("Enter");
  await page.getByText(/no (refused|writes)|nothing/i).first().waitFor();
});

import assert from "node:assert/strict";
import test from "node:test";
import { openSite } from "./site.mjs";

const count = process.env["DETENTE_LONG"] ? 100_000 : 5_000;
const site = await openSite();

test(`a list of ${count} documents loads no more than it shows`, async (t) => {
  const documents = Array.from({ length: count }, (_, n) => ({
    path: `/api/many/n${String(n).padStart(6, "0")}`,
    data: { title: `Number ${n}`, even: n % 2 === 0 },
  }));
  await site.writer("setup").fill(documents);

  const gina = await site.person(t, "Gina");
  const page = await gina.context.newPage();
  const loaded = { requests: 0, rows: 0 };
  page.on("response", async (response) => {
    if (!/\/api\/many(\?|$)/.test(response.url()) || response.request().method() !== "GET") return;
    loaded.requests += 1;
    loaded.rows += (await response.json()).items.length;
  });
  await page.goto(`${site.address}/c/many`);
  await page.getByRole("link", { name: "n000000", exact: true }).waitFor();
  t.diagnostic(`at first: ${loaded.requests} requests, ${loaded.rows} rows`);
  assert.ok(loaded.requests === 1 && loaded.rows <= 200, JSON.stringify(loaded));

  const table = page.getByRole("region", { name: "Documents of many" });
  const rowPixels = await table.locator("tbody tr").nth(1).evaluate((row) => row.getBoundingClientRect().height);
  for (let last = 150; last < 1_500; last += 100) {
    await scrollTo(page, await table.elementHandle(), last * rowPixels);
    await page.getByRole("link", { name: `n${String(last + 3).padStart(6, "0")}`, exact: true }).waitFor();
    const rows = await table.getByRole("row").count();
    assert.ok(rows < 150, `${rows} rows are in the page`);
    assert.ok(loaded.rows <= last + 500, `${loaded.rows} rows are loaded to show the ${last}th`);
  }
  t.diagnostic(`after scrolling to the 1,450th: ${loaded.requests} requests, ${loaded.rows} rows`);
  assert.ok(loaded.rows / loaded.requests >= 50, "the pages are too small");
});

/**
 * Scrolls as somebody does who wants to get somewhere: again when more rows have come.
 *
 * @param {import("playwright-core").Page} page @param {unknown} table @param {number} top
 */
function scrollTo(page, table, top) {
  const arrives = ([table, top]) => {
    table.scrollTo(0, top);
    return table.scrollTop >= top - 1;
  };
  return page.waitForFunction(arrives, [table, top]);
}

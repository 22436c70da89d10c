import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import test from "node:test";
import { scenes, setTheScene } from "./scenes.mjs";
import { openSite } from "./site.mjs";

const site = await openSite();
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const scene = await setTheScene(site);

/** @type {Record<string, import("playwright-core").BrowserContextOptions>} */
const looks = {
  "in light": { colorScheme: "light", viewport: { width: 1200, height: 900 } },
  "in dark": { colorScheme: "dark", viewport: { width: 1200, height: 900 } },
  "at 360 px": { colorScheme: "light", viewport: { width: 360, height: 740 } },
};

for (const [look, options] of Object.entries(looks)) {
  for (const [name, show] of Object.entries(scenes)) {
    test(`${name} ${look} has no barriers`, async (t) => {
      const ana = await site.person(t, "Ana", options);
      const page = await show({ site, scene, person: ana });
      const findings = await findingsOf(page);
      assert.deepEqual(findings, []);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(overflow <= 0, `the page is ${overflow} px wider than the window`);
    });
  }
}

/** What axe finds, in one line each. @param {import("playwright-core").Page} page */
async function findingsOf(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    /** @type {import("axe-core")} */
    const axe = Reflect.get(globalThis, "axe");
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, html }) => `${id}: ${help}: ${target} ${html.slice(0, 120)}`));
  });
}

/** Chromium without a window. */
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

/** Debian's, whatever version that is. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

export function startBrowser() {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** A page of somebody who shares nothing with others. No error in it is let pass. */
export async function pageFor(t, browser, address) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  t.after(() => assert.deepEqual(errors, [], 'the page has errors'));
  await page.goto(address);
  return page;
}

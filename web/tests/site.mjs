/** What a test file works with: a server, its page, a browser, and people who each have a browser context. */
import { after } from "node:test";
import { startBrowser, watchForFaults } from "./browser.mjs";
import { pageOf } from "./page.mjs";
import { startServer } from "./server.mjs";
import { writer } from "./writer.mjs";

/** Opens a site for one test file; it is closed after the last test. @param {{ config?: string }} [options] */
export async function openSite(options) {
  const server = await startServer(options);
  const page = await pageOf(server.url);
  const browser = await startBrowser();
  after(async () => {
    await browser.close();
    await page.stop();
    await server.stop();
  });
  return new Site(server.url, page.address, browser);
}

export class Site {
  /** @param {string} api @param {string} address @param {import("playwright-core").Browser} browser */
  constructor(api, address, browser) {
    this.api = api;
    this.address = address;
    this.browser = browser;
  }

  /** Somebody who writes without a browser. @param {string} actor */
  writer(actor) {
    return writer(this.api, actor);
  }

  /**
   * Somebody with a browser of their own. When the test ends, their page must have done nothing forbidden.
   *
   * @param {import("node:test").TestContext} t
   * @param {string} name
   * @param {import("playwright-core").BrowserContextOptions} [options]
   */
  async person(t, name, options) {
    const context = await this.browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
    context.setDefaultTimeout(15_000);
    const faults = watchForFaults(context, this.address);
    await context.addInitScript(signIn, name);
    t.after(async () => {
      await context.close();
      faults.assertNone();
    });
    return { name, context, faults, open: (/** @type {string} */ place) => this.open(context, place) };
  }

  /** A new tab at a place such as `/c/notes/1`. @param {import("playwright-core").BrowserContext} context @param {string} place */
  async open(context, place) {
    const page = await context.newPage();
    await page.goto(this.address + place);
    return page;
  }
}

/** Runs in the page before its own script: what the page remembers of a person who told it their name. */
function signIn(/** @type {string} */ name) {
  if (!localStorage.getItem("detente.actor")) localStorage.setItem("detente.actor", name);
}

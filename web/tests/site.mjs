/** What a test file works with: a server, its page, a browser, and people who each have a browser context. */
import { after } from "node:test";
import { startBrowser, watchForFaults } from "./browser.mjs";
import { pageOf } from "./page.mjs";
import { startServer } from "./server.mjs";
import { writer } from "./writer.mjs";

/** Opens a site for one test file; it is closed after the last test. @param {import("./server.mjs").ServerOptions} [options] */
export async function openSite(options) {
  const server = await startServer(options);
  after(() => server.stop());
  const page = await pageOf(server.url);
  after(() => page.stop());
  const browser = await startBrowser();
  after(() => browser.close());
  return new Site(server.url, page.address, browser, server.reload);
}

export class Site {
  /**
   * @param {string} api
   * @param {string} address
   * @param {import("playwright-core").Browser} browser
   * @param {(config: string) => Promise<void>} reload Has the server read another configuration.
   */
  constructor(api, address, browser, reload) {
    this.reload = reload;
    this.api = api;
    this.address = address;
    this.browser = browser;
  }

  /** Somebody who writes without a browser. @param {string} actor */
  writer(actor) {
    return writer(this.api, actor);
  }

  /**
   * A visitor of one test. When it ends, their page must have done nothing forbidden.
   *
   * @param {import("node:test").TestContext} t
   * @param {string} name
   * @param {import("playwright-core").BrowserContextOptions} [options]
   */
  async person(t, name, options) {
    const person = await this.visitor(name, options);
    t.after(async () => {
      await person.context.close();
      person.faults.assertNone();
    });
    return person;
  }

  /**
   * Somebody with a browser of their own.
   *
   * @param {string} name
   * @param {import("playwright-core").BrowserContextOptions} [options]
   */
  async visitor(name, options) {
    const storageState = { cookies: [], origins: [this.#introduced(name)] };
    const context = await this.browser.newContext({ locale: "en-GB", timezoneId: "UTC", storageState, ...options });
    context.setDefaultTimeout(15_000);
    const faults = watchForFaults(context, this.address);
    return { name, context, faults, open: (/** @type {string} */ place) => this.open(context, place) };
  }

  /** What the page remembers of a person who told it their name. @param {string} name */
  #introduced(name) {
    const { origin, pathname } = new URL(`${this.address}/`);
    return { origin, localStorage: [{ name: `detente ${pathname} actor`, value: name }] };
  }

  /** A new tab at a place such as `/c/notes/1`. @param {import("playwright-core").BrowserContext} context @param {string} place */
  async open(context, place) {
    const page = await context.newPage();
    await page.goto(this.address + place);
    return page;
  }
}

/** Chromium without a window, and people in it whose pages must not do what a page of Detente never does. */
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

/** Debian's, whatever version that is. */
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** @param {string[]} [args] More arguments. */
export function startBrowser(args = []) {
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", ...args] });
}

/**
 * Notes everything that no page may do, in all tabs of a context: dialogs, errors, requests to elsewhere, and whatever
 * the content security policy had to stop.
 *
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} address The one place to which requests may go.
 */
export function watchForFaults(context, address) {
  /** @type {string[]} */
  const faults = [];
  context.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on("weberror", (error) => faults.push(`error: ${error.error().stack ?? error.error().message}`));
  context.on("console", (message) => {
    if (message.type() === "error" && !isRefusal(message.text())) faults.push(`console: ${message.text()}`);
  });
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !/^(data|blob):/.test(url)) faults.push(`request to elsewhere: ${url}`);
  });
  return {
    faults,
    assertNone() {
      assert.deepEqual(faults, [], "the page did what it must not");
    },
  };
}

/** Chromium notes each answer of 400 and more, and each lost connection, as an error; here these are part of the tests. */
function isRefusal(/** @type {string} */ text) {
  return text.startsWith("Failed to load resource:") || text.includes("net::ERR_INTERNET_DISCONNECTED");
}

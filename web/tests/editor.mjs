/** The editor and the merge view, as a person finds their way in them: by the names of fields and buttons. */

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page @param {string} name The member's name, without `/` and `~`. */
export function field(page, name) {
  return page.locator(`[data-path="/${name}"]`).getByRole("textbox");
}

/** The heading of the document is there, and the form can be filled. @param {Page} page @param {string} name */
export async function isReady(page, name) {
  await field(page, name).waitFor();
}

/** @param {Page} page */
export async function save(page) {
  await page.getByRole("button", { name: "Save", exact: true }).click();
}

/** Something is said in a live region. @param {Page} page @param {string | RegExp} words */
export async function isTold(page, words) {
  await page.getByRole("status").filter({ hasText: words }).first().waitFor();
}

/** A field holds a value, now or soon. @param {Page} page @param {string} name @param {string} value */
export async function holds(page, name, value) {
  const element = await field(page, name).elementHandle();
  await page.waitForFunction(
    ([field, value]) => /** @type {HTMLInputElement} */ (field).value === value,
    /** @type {const} */ ([element, value]),
  );
}

/** The merge view is open, and a screen reader is at its heading. @param {Page} page @param {RegExp} heading */
export async function isAskedToMerge(page, heading) {
  await page.getByRole("heading", { level: 1, name: heading }).waitFor();
  await page.waitForFunction(() => document.activeElement?.tagName === "H1");
}

/** The fieldset of one conflict. @param {Page} page @param {string | RegExp} name */
export function conflict(page, name) {
  return page.getByRole("group", { name });
}

/** @param {Page} page @param {string | RegExp} name @param {"Theirs" | "Yours" | "Both" | "Original" | "Edit"} choice */
export async function choose(page, name, choice) {
  await conflict(page, name).getByRole("radio", { name: new RegExp(`^${choice}`) }).check();
}

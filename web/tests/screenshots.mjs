/** The pictures of the guide: node screenshots.mjs DETENTE_BINARY [FOLDER]; they are the same each time it runs. */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

const [binary = "detente", folder = join(import.meta.dirname, "../../docs/images")] = process.argv.slice(2);
process.env["DETENTE_BINARY"] = resolve(binary);

const { Site } = await import("./site.mjs");
const { startBrowser } = await import("./browser.mjs");
const { startServer } = await import("./server.mjs");
const { pageOf } = await import("./page.mjs");
const { scenes, setTheScene } = await import("./scenes.mjs");

const wide = { viewport: { width: 1200, height: 640 }, deviceScaleFactor: 2 };
const middle = { viewport: { width: 900, height: 560 }, deviceScaleFactor: 2 };
const narrow = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true };
const largestBytes = 200 * 1024;

/** What is taken: the scene, and how it is looked at. @type {[string, string, object][]} */
const pictures = [
  ...["home", "list", "banner", "history", "merge", "dashboard", "entry"].map((scene) => /** @type {[string, string, object]} */ ([scene, scene, wide])),
  ["banner", "banner-dark", { ...wide, colorScheme: "dark" }],
  ["merge", "merge-dark", { ...wide, colorScheme: "dark" }],
  ["dashboard", "dashboard-dark", { ...wide, colorScheme: "dark" }],
  ["merge", "merge-narrow", narrow],
  ["folder", "folder", wide],
  ["collision", "collision", middle],
  ["collision", "collision-dark", { ...middle, colorScheme: "dark" }],
];

const server = await startServer();
const page = await pageOf(server.url);
const browser = await startBrowser();
const site = new Site(server.url, page.address, browser, server.reload);
await mkdir(folder, { recursive: true });
try {
  const scene = await setTheScene(site);
  for (const [show, name, look] of pictures) await take(scene, show, join(folder, `${name}.png`), look);
} finally {
  await browser.close();
  await page.stop();
  await server.stop();
}

/** @param {Awaited<ReturnType<typeof setTheScene>>} scene @param {string} show @param {string} file @param {object} look */
async function take(scene, show, file, look) {
  const person = await site.visitor("Ana", { reducedMotion: "reduce", ...look });
  const shown = await scenes[show]?.({ site, scene, person });
  if (!shown) throw new Error(`there is no scene ${show}`);
  await shown.evaluate(fixWhatVaries);
  const png = await shown.screenshot({ animations: "disabled", caret: "hide" });
  await person.context.close();
  await writeFile(file, png);
  console.log(`${file} ${Math.round(png.length / 1024)} KB`);
  if (png.length > largestBytes) throw new Error(`${file} is larger than ${largestBytes} bytes`);
}

/** Runs in the page: times are different at each run, and so are ids. */
function fixWhatVaries() {
  for (const time of document.querySelectorAll("time")) time.textContent = "3 minutes ago";
  const [begin, end] = [...document.querySelectorAll(".chart text")].filter((text) => text.textContent?.includes(":"));
  if (begin) begin.textContent = "Sun 11:00";
  if (end) end.textContent = "Mon 10:00";
}

/** Every place of the page with something in it: for what has to be looked at everywhere. */
import { choose, field, isAskedToMerge, isReady, isTold, save } from "./editor.mjs";

/**
 * @typedef {{
 *   site: import("./site.mjs").Site,
 *   scene: Awaited<ReturnType<typeof setTheScene>>,
 *   person: Awaited<ReturnType<import("./site.mjs").Site["visitor"]>>,
 * }} Props
 */

const first = {
  title: "Opening hours",
  body: "The museum is open from Tuesday to Sunday. On Mondays it is closed.\nGuided tours begin at eleven.",
  status: "draft",
  price: 12.5,
  free: false,
  tags: ["visit", "prices"],
  contact: { name: "Reception", phone: "+49 228 1234" },
};
const theirs = { ...first, title: "Opening hours in winter", status: "review", price: 14 };
const mine = { ...first, title: "When we are open", price: 11, tags: ["visit"] };

const opening = "Ten o'clock: the doors open.\nEleven o'clock: the mayor speaks.\nNoon: soup for everybody.\n";
const openingByBen = "Ten o'clock: the doors open.\nEleven o'clock: the director speaks.\nNoon: soup for everybody.\nOne o'clock: music.\n";
const openingByAna = "Half past nine: coffee.\nTen o'clock: the doors open.\nEleven o'clock: the mayor and the architect speak.\nNoon: soup for everybody.\n";
const picture =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200"><rect width="320" height="200" fill="#cfe3e8"/>' +
  '<path d="M40 170V90l120-60 120 60v80z" fill="#14606e"/><path d="M140 170v-50h40v50z" fill="#f0c070"/></svg>';

/** Stores what the places show, by people whose names are always the same. @param {import("./site.mjs").Site} site */
export async function setTheScene(site) {
  const [ana, ben, carol] = ["Ana", "Ben", "Carol"].map((name) => site.writer(name));
  await carol.put("/api/pages/opening-hours", first);
  await ana.put("/api/pages/prices", { title: "Prices", body: "Children do not pay.", status: "published", price: 0 });
  await ana.put("/api/pages/how-to-find-us", { title: "How to find us", status: "published", free: true });
  await ben.put("/api/exhibitions/light", { title: "Light", opens: "2027-03-01", works: 42 });
  const tag = await carol.put("/api/pages/press", first);
  await ben.put("/api/pages/press", theirs);
  const open = await ana.putLate("/api/pages/press", mine, tag);
  const settled = await carol.putLate("/api/pages/press", { ...first, title: "Press" }, tag);
  await ben.send("POST", `${settled}/resolve`, { choices: { "/title": "yours" }, current: 2 });
  await ben.file("/files/plans/2026/site.txt", "Slate.");
  await carol.file("/files/plans/opening.txt", opening);
  await ben.file("/files/plans/entrance.svg", picture, "image/svg+xml");
  await carol.file("/files/plans/budget.csv", "item,price\nroof,12000\n".repeat(900), "text/csv");
  await carol.file("/files/press/poster.pdf", "%PDF-1.7\n\u00e9\n".repeat(40_000), "application/pdf");
  return { openEntry: idOf(open), settledEntry: idOf(settled), copies: 0 };
}

function idOf(/** @type {string} */ href) {
  return href.split("/").at(-1) ?? "";
}

/** A document of one's own, in which one has begun to write and Ben has saved. @param {Props} props */
async function editorOvertaken({ site, scene, person }) {
  const path = `pages/visit-${++scene.copies}`;
  await site.writer("Carol").put(`/api/${path}`, first);
  const page = await person.open(`/c/${path}`);
  await isReady(page, "title");
  await field(page, "title").fill(mine.title);
  await site.writer("Ben").put(`/api/${path}`, theirs);
  await isTold(page, "Ben saved version 2");
  return page;
}

/** Ana uploads a text that she made of a version that Ben has replaced since. @param {Props} props */
async function collided({ site, scene, person }) {
  const path = `opening-${++scene.copies}/opening.txt`;
  await site.writer("Carol").file(`/files/${path}`, opening);
  const page = await person.open(`/f/${path}`);
  await page.getByText("the doors open").waitFor();
  await site.writer("Ben").file(`/files/${path}`, openingByBen);
  await page.locator("input[type=file]").setInputFiles({ name: "opening.txt", mimeType: "text/plain", buffer: Buffer.from(openingByAna) });
  await page.getByRole("dialog").getByRole("button", { name: "Merge" }).waitFor();
  return page;
}

/** @type {Record<string, (props: Props) => Promise<import("playwright-core").Page>>} */
export const scenes = {
  home: async ({ person }) => {
    const page = await person.open("/");
    await page.getByRole("link", { name: "exhibitions" }).waitFor();
    return page;
  },
  list: async ({ person }) => {
    const page = await person.open("/c/pages");
    await page.getByRole("link", { name: "opening-hours" }).waitFor();
    return page;
  },
  editor: async ({ person }) => {
    const page = await person.open("/c/pages/opening-hours");
    await isReady(page, "title");
    return page;
  },
  banner: editorOvertaken,
  history: async ({ person }) => {
    const page = await person.open("/c/pages/press");
    await isReady(page, "title");
    await page.getByRole("button", { name: /history/i }).click();
    await page.getByRole("dialog").getByText("created").waitFor();
    return page;
  },
  merge: async (props) => {
    const page = await editorOvertaken(props);
    await save(page);
    await isAskedToMerge(page, /1 of \d+ changes? needs? you/);
    await choose(page, /title/, "Yours");
    return page;
  },
  dashboard: async ({ person }) => {
    const page = await person.open("/conflicts");
    await page.getByRole("region", { name: "Refused writes" }).waitFor();
    await page.getByRole("img", { name: /Refused and merged/ }).waitFor();
    return page;
  },
  entry: async ({ person, scene }) => {
    const page = await person.open(`/conflicts/${scene.openEntry}`);
    await page.getByRole("link", { name: "Resolve", exact: true }).waitFor();
    await page.getByText("Version 2 by Ben").waitFor();
    return page;
  },
  folder: async ({ person }) => {
    const page = await person.open("/f/plans");
    await page.getByRole("link", { name: "opening.txt" }).waitFor();
    return page;
  },
  file: async ({ person }) => {
    const page = await person.open("/f/plans/entrance.svg");
    await page.getByRole("img", { name: "entrance.svg" }).waitFor();
    await page.getByText("Nobody holds it").waitFor();
    return page;
  },
  "text file": async ({ person }) => {
    const page = await person.open("/f/plans/opening.txt");
    await page.getByText("the doors open").waitFor();
    return page;
  },
  versions: async ({ person }) => {
    const page = await person.open("/f/plans/opening.txt");
    await page.getByRole("button", { name: "History" }).click();
    await page.getByRole("dialog").getByText("text/plain").first().waitFor();
    return page;
  },
  collision: collided,
  join: async (props) => {
    const page = await collided(props);
    await page.getByRole("button", { name: "Merge" }).click();
    await page.getByRole("textbox", { name: "One text of both" }).waitFor();
    return page;
  },
  "settled entry": async ({ person, scene }) => {
    const page = await person.open(`/conflicts/${scene.settledEntry}`);
    await page.getByText("Resolved by Ben").waitFor();
    return page;
  },
};

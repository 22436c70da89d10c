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
  "settled entry": async ({ person, scene }) => {
    const page = await person.open(`/conflicts/${scene.settledEntry}`);
    await page.getByText("Resolved by Ben").waitFor();
    return page;
  },
};

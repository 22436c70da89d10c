import assert from "node:assert/strict";
import test from "node:test";
import { field, holds, isReady, isTold, save } from "./editor.mjs";
import { openSite } from "./site.mjs";

const site = await openSite();

test("a person who saves in one tab is told in the other that it was them", async (t) => {
  await site.writer("setup").put("/api/notes/tabs", { title: "Draft", body: "Once" });
  const cem = await site.person(t, "Cem");
  const first = await cem.open("/c/notes/tabs");
  const second = await cem.open("/c/notes/tabs");
  await isReady(first, "title");
  await isReady(second, "title");

  await field(second, "body").fill("Second thoughts");
  await field(first, "title").fill("First thoughts");
  await save(first);
  await isTold(first, "Saved");
  await isTold(second, /you, in another tab/i);
  assert.equal(await second.getByText("Cem saved").count(), 0, "a person is warned about themselves by name");

  await save(second);
  await isTold(second, /Saved and merged/);
  await holds(second, "title", "First thoughts");
  assert.deepEqual(await site.writer("setup").read("/api/notes/tabs"), { title: "First thoughts", body: "Second thoughts" });
});

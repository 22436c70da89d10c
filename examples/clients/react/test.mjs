import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { servePage } from '../browser/serve.mjs';
import { pageFor, startBrowser } from '../test/browser.mjs';
import { folderFor, serverFor } from '../test/server.mjs';
import { buildApp } from './build.mjs';

const file = (name) => fileURLToPath(new URL(name, import.meta.url));

const browser = await startBrowser();
after(() => browser.close());

test('two pages of the app edit one note: they see each other, merge, and decide what collides', async (t) => {
  const folder = await folderFor(t);
  await buildApp(folder);
  await cp(file('index.html'), `${folder}/index.html`);
  const site = await servePage(0, pathToFileURL(`${folder}/`));
  t.after(site.stop);
  const configuration = await readFile(file('detente.toml'), 'utf8');
  const server = await serverFor(t, configuration.replace('http://127.0.0.1:8080', site.url));
  const note = `${server.url}/api/notes/plan`;
  const stored = async () => (await fetch(note)).json();
  const init = { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ title: 'Draft', body: 'Once' }) };
  assert.equal((await fetch(note, init)).status, 201);

  const open = (actor) => pageFor(t, browser, `${site.url}/?actor=${actor}&server=${encodeURIComponent(server.url)}`);
  const [ann, ben] = [await open('ann'), await open('ben')];
  const title = (page) => page.getByLabel('Title');
  const text = (page) => page.getByLabel('Text');
  const save = (page) => page.getByRole('button', { name: 'Save', exact: true }).click();
  const says = (page, words) => page.getByText(words, { exact: true }).waitFor();

  // Different members: told at once, and taken in.
  await title(ann).fill('Plan');
  await text(ben).fill('Twice');
  await save(ben);
  await says(ben, 'Saved.');
  await says(ann, 'ben saved version 2 since you started from version 1 (body). Your text is safe.');
  await ann.getByRole('button', { name: 'Update my draft' }).click();
  await says(ann, 'Your draft has what they saved.');
  assert.deepEqual([await title(ann).inputValue(), await text(ann).inputValue()], ['Plan', 'Twice']);

  // The same member: Ben was first, and Ann decides.
  await title(ben).fill('Final');
  await save(ben);
  await says(ann, /^ben saved version 3/);
  await save(ann);
  await says(ann, 'You and somebody else changed the same');
  assert.deepEqual([(await stored()).title, await title(ann).inputValue()], ['Final', 'Plan']);
  assert.equal(await ann.getByRole('radio', { checked: true }).count(), 0);
  await ann.getByLabel('ben: Final').check();
  await ann.getByRole('button', { name: 'Save what I chose' }).click();
  await says(ann, 'Saved, together with what others saved.');
  assert.equal(await title(ann).inputValue(), 'Final');
  assert.deepEqual(await stored(), { title: 'Final', body: 'Twice' });
});

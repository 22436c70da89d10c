import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { pageFor, startBrowser } from '../test/browser.mjs';
import { serverFor } from '../test/server.mjs';
import { servePage } from './serve.mjs';

const configuration = await readFile(new URL('detente.toml', import.meta.url), 'utf8');

const browser = await startBrowser();
after(() => browser.close());

/** The same page, opened by Ann and by Ben. */
async function annAndBen(t) {
  const site = await servePage(0);
  t.after(site.stop);
  const server = await serverFor(t, configuration.replace('http://127.0.0.1:8080', site.url));
  const open = async (actor) => {
    const page = await pageFor(t, browser, `${site.url}/?actor=${actor}&server=${encodeURIComponent(server.url)}`);
    await page.waitForFunction(() => document.querySelector('input[name="title"]').value === 'Draft');
    return page;
  };
  const note = `${server.url}/api/notes/plan`;
  const init = { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ title: 'Draft', body: 'Once' }) };
  assert.equal((await fetch(note, init)).status, 201);
  const stored = async () => (await fetch(note)).json();
  return { ann: await open('ann'), ben: await open('ben'), stored, url: server.url };
}

const title = (page) => page.getByLabel('Title');
const text = (page) => page.getByLabel('Text');
const save = (page) => page.getByRole('button', { name: 'Save', exact: true }).click();
const says = (page, words) => page.getByText(words, { exact: true }).waitFor();

test('a page is told that its draft is stale, keeps what was typed, and takes in what was saved', async (t) => {
  const { ann, ben, stored } = await annAndBen(t);
  await title(ann).fill('Plan');
  await text(ben).fill('Twice');
  await save(ben);
  await says(ben, 'Saved.');
  await says(ann, 'ben saved version 2 since you started from version 1 (body). Your text is safe.');
  assert.equal(await title(ann).inputValue(), 'Plan');
  await ann.getByRole('button', { name: 'Update my draft' }).click();
  await says(ann, 'Your draft has what they saved.');
  assert.deepEqual([await title(ann).inputValue(), await text(ann).inputValue()], ['Plan', 'Twice']);
  await save(ann);
  await says(ann, 'Saved.');
  assert.deepEqual(await stored(), { title: 'Plan', body: 'Twice' });
});

test('edits of different members are saved together, whatever the banner said', async (t) => {
  const { ann, ben, stored } = await annAndBen(t);
  await title(ann).fill('Plan');
  await text(ben).fill('Twice');
  await save(ben);
  await says(ben, 'Saved.');
  await save(ann);
  await says(ann, 'Saved, together with what others saved.');
  assert.deepEqual(await stored(), { title: 'Plan', body: 'Twice' });
});

test('where both changed the same, the one who is late chooses', async (t) => {
  const { ann, ben, stored } = await annAndBen(t);
  await title(ann).fill('Plan');
  await title(ben).fill('Final');
  await text(ann).fill('Twice');
  await save(ben);
  await says(ben, 'Saved.');
  await save(ann);
  await says(ann, 'You and somebody else changed the same');
  assert.deepEqual(await stored(), { title: 'Final', body: 'Once' });
  assert.equal(await title(ann).inputValue(), 'Plan');
  const choices = ann.getByRole('radio');
  assert.deepEqual([await choices.count(), await ann.getByRole('radio', { checked: true }).count()], [2, 0]);
  await ann.getByLabel('Yours: Plan').check();
  await ann.getByRole('button', { name: 'Save what I chose' }).click();
  await says(ann, 'Saved, together with what others saved.');
  assert.deepEqual(await stored(), { title: 'Plan', body: 'Twice' });
  await says(ben, /^ann saved version 3/);
});

test('what somebody deleted can be created again, with the text that was typed', async (t) => {
  const { ann, stored, url } = await annAndBen(t);
  await title(ann).fill('Plan');
  const init = { method: 'DELETE', headers: { 'If-Match': '*', 'X-Actor': 'ben' } };
  assert.equal((await fetch(`${url}/api/notes/plan`, init)).status, 204);
  await says(ann, 'Somebody deleted this note. Your text is safe.');
  await save(ann);
  await says(ann, 'Not saved: somebody deleted this note. Your text is still here.');
  await ann.getByRole('button', { name: 'Create it again' }).click();
  await ann.waitForEvent('load');
  await ann.waitForFunction(() => document.querySelector('input[name="title"]').value === 'Plan');
  assert.deepEqual(await stored(), { title: 'Plan', body: 'Once' });
});

test('pages of other origins may not call the server', async (t) => {
  const { ann, url } = await annAndBen(t);
  const stranger = await servePage(0);
  t.after(stranger.stop);
  await ann.goto(`${stranger.url}/index.html`).catch(() => undefined);
  const answer = await ann.evaluate((address) => fetch(address).then(() => 'read', () => 'not read'), `${url}/api/notes/plan`);
  assert.equal(answer, 'not read');
});

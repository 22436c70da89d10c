import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { test } from 'node:test';
import { folderFor, serverFor, startServer, until } from '../test/server.mjs';
import { Network, randomFrom } from '../test/network.mjs';
import { converged, openDevice, Writers } from './people.mjs';

const configuration = await readFile(new URL('detente.toml', import.meta.url), 'utf8');

/** The address of a server for one test. */
async function server(t) {
  const { url } = await serverFor(t, configuration);
  return url;
}

async function devices(t, url, names, networkOf = () => new Network()) {
  const opened = await Promise.all(names.map((name) => openDevice(name, url, networkOf(name))));
  t.after(() => Promise.all(opened.map((device) => device.database.close())));
  await Promise.all(opened.map(({ replication }) => replication.awaitInitialReplication()));
  return opened;
}

async function stored(url, id) {
  const response = await fetch(`${url}/api/notes/${id}`);
  return response.ok ? response.json() : undefined;
}

test('what one device writes arrives at the other, deletions too', async (t) => {
  const url = await server(t);
  const [ann, ben] = await devices(t, url, ['ann', 'ben']);
  await ann.notes.insert({ id: 'a', title: 'Plan' });
  const arrived = await until(() => ben.notes.findOne('a').exec(), 'the note');
  await arrived.incrementalPatch({ title: 'The plan' });
  await until(async () => (await ann.notes.findOne('a').exec()).title === 'The plan', 'the edit');
  await (await ann.notes.findOne('a').exec()).incrementalRemove();
  await until(async () => !(await ben.notes.findOne('a').exec()), 'the deletion');
  assert.equal((await fetch(`${url}/api/notes/a`)).status, 410);
  await ben.notes.insert({ id: 'a', title: 'Again' });
  await until(() => ann.notes.findOne('a').exec(), 'the same id again');
});

test('of two edits of one member made offline, one is in its place and the other is unresolved', async (t) => {
  const url = await server(t);
  const [ann, ben] = await devices(t, url, ['ann', 'ben']);
  await ann.notes.insert({ id: 'a', title: 'Draft', body: 'one\ntwo\nthree\n', tags: [] });
  const bens = await until(() => ben.notes.findOne('a').exec(), 'the note');
  await converged([ann, ben], url);
  ben.network.offline();
  await bens.incrementalPatch({ title: 'Final', body: 'one\ntwo\nTHREE\n', tags: ['b'] });
  await (await ann.notes.findOne('a').exec()).incrementalPatch({ title: 'Plan', body: 'ONE\ntwo\nthree\n', tags: ['a'] });
  await until(async () => (await stored(url, 'a')).title === 'Plan', "Ann's edit");
  ben.network.online();
  await until(async () => (await stored(url, 'a')).unresolved, 'the merge');
  const [note] = await converged([ann, ben], url);
  assert.deepEqual(note, {
    id: 'a',
    title: 'Plan',
    body: 'ONE\ntwo\nTHREE\n',
    tags: ['a', 'b'],
    unresolved: [{ path: '/title', value: 'Final' }],
  });
  // Somebody decides, on whatever device.
  await (await ann.notes.findOne('a').exec()).incrementalPatch({ title: 'Final plan', unresolved: [] });
  await until(async () => (await ben.notes.findOne('a').exec()).title === 'Final plan', 'the decision');
});

test('an edit wins over a deletion, whoever was first', async (t) => {
  const url = await server(t);
  const [ann, ben] = await devices(t, url, ['ann', 'ben']);
  await ann.notes.bulkInsert([{ id: 'a', title: 'One' }, { id: 'b', title: 'Two' }]);
  await until(() => ben.notes.findOne('b').exec(), 'the notes');
  await converged([ann, ben], url);
  ben.network.offline();
  await (await ben.notes.findOne('a').exec()).incrementalPatch({ title: 'Edited' });
  await (await ben.notes.findOne('b').exec()).incrementalRemove();
  await (await ann.notes.findOne('a').exec()).incrementalRemove();
  await (await ann.notes.findOne('b').exec()).incrementalPatch({ title: 'Edited too' });
  await until(async () => !(await stored(url, 'a')) && (await stored(url, 'b')).title === 'Edited too', "Ann's writes");
  ben.network.online();
  await until(() => stored(url, 'a'), 'the edit of what was deleted');
  const notes = await converged([ann, ben], url);
  assert.deepEqual(notes.map(({ id, title }) => [id, title]), [['a', 'Edited'], ['b', 'Edited too']]);
});

test('what a rule refuses stays on the device and is told, until somebody changes it', async (t) => {
  const url = await server(t);
  const [ann] = await devices(t, url, ['ann']);
  const errors = [];
  ann.replication.error$.subscribe((error) => errors.push(JSON.stringify(error.parameters)));
  await ann.notes.bulkInsert([{ id: 'a', title: 'x'.repeat(81) }, { id: 'b', title: 'short' }]);
  await until(() => errors.some((text) => text.includes('TitleIsShort')), 'the refusal');
  assert.equal((await stored(url, 'b')).title, 'short');
  // RxDB sends the same rows again and again: it takes up what they have become when it starts anew.
  await ann.replication.cancel();
  await (await ann.notes.findOne('a').exec()).incrementalPatch({ title: 'Shorter' });
  ann.replicate();
  await until(async () => (await stored(url, 'a'))?.title === 'Shorter', 'the changed note');
});

test('after an older copy of the store was put back, a device has what that has, and what it had not yet sent', async (t) => {
  const path = await folderFor(t);
  let running = await startServer(path, configuration);
  t.after(() => running.stop());
  const { url, address } = running;
  const [ann] = await devices(t, url, ['ann']);
  await ann.notes.bulkInsert([{ id: 'a', title: 'Kept' }, { id: 'b', title: 'Edited later' }]);
  await converged([ann], url);
  await running.stop();
  await copyFile(`${path}/data/detente.db`, `${path}/copy.db`);

  running = await startServer(path, configuration, address);
  await ann.notes.insert({ id: 'c', title: 'After the copy' });
  await converged([ann], url);
  ann.network.offline();
  await (await ann.notes.findOne('b').exec()).incrementalPatch({ title: 'Not yet sent' });
  await running.stop();
  await rm(`${path}/data`, { recursive: true });
  await mkdir(`${path}/data`);
  await copyFile(`${path}/copy.db`, `${path}/data/detente.db`);
  running = await startServer(path, configuration, address);
  // Somebody writes there, so the numbers of the log say nothing.
  for (const title of ['One', 'Two']) {
    const headers = { 'Content-Type': 'application/json', 'If-Match': '*' };
    await fetch(`${url}/api/notes/a`, { method: 'PUT', headers, body: JSON.stringify({ title }) });
  }
  ann.network.online();
  await until(async () => (await stored(url, 'b')).title === 'Not yet sent', 'the edit');
  const notes = await converged([ann], url);
  assert.deepEqual(notes, [{ id: 'a', title: 'Two' }, { id: 'b', title: 'Not yet sent' }]);
});

test('a device that types on while its write is under way does not collide with itself', async (t) => {
  const url = await server(t);
  const [ann] = await devices(t, url, ['ann']);
  const note = await ann.notes.insert({ id: 'a', title: '' });
  for (let at = 1; at <= 30; at++) await note.incrementalPatch({ title: 'x'.repeat(at) });
  await until(async () => (await stored(url, 'a'))?.title.length === 30, 'the last letter');
  const refused = ann.network.requests.filter(({ status }) => status >= 400);
  assert.ok(refused.length <= 1, JSON.stringify(refused));
});

test('a first synchronisation of a document with 300 versions moves one row', async (t) => {
  const url = await server(t);
  let tag;
  for (let version = 1; version <= 300; version++) {
    const condition = tag ? { 'If-Match': tag } : { 'If-None-Match': '*' };
    const init = { method: 'PUT', headers: { 'Content-Type': 'application/json', ...condition }, body: JSON.stringify({ title: `${version}` }) };
    tag = (await fetch(`${url}/api/notes/a`, init)).headers.get('etag');
  }
  const rows = [];
  const network = new Network();
  const counting = network.fetch;
  network.fetch = async (address, init) => {
    const response = await counting(address, init);
    if (/_changes.*limit/.test(address)) rows.push(...(await response.clone().json()).items);
    return response;
  };
  const [ann] = await devices(t, url, ['ann'], () => network);
  const note = await until(() => ann.notes.findOne('a').exec(), 'the note');
  assert.equal(note.title, '300');
  assert.deepEqual(rows.map(({ version }) => version), [300]);
});

const seeds = Number(process.env.SEEDS ?? 8);
for (let seed = 1; seed <= seeds; seed++) {
  const names = seed % 2 === 0 ? ['ann', 'ben', 'cleo'] : ['ann', 'ben'];
  test(`seed ${seed}: ${names.length} devices write, go offline and come back: all say the same, and no word is lost`, async (t) => {
    const url = await server(t);
    const random = randomFrom(seed);
    const opened = await devices(t, url, names, () => new Network({ lost: 0.05, random }));
    const writers = new Writers(random);
    for (let round = 0; round < 6; round++) {
      for (const { network } of opened) {
        network.offline();
        if (random() < 0.5) network.online();
      }
      for (let act = 0; act < 10; act++) await writers.act(writers.pick(opened));
      if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, 30));
    }
    for (const { network } of opened) network.online();
    for (const { network } of opened) network.lost = 0;
    const notes = await converged(opened, url);
    assert.ok(notes.length > 0);
    assert.deepEqual(writers.lost(notes), [], JSON.stringify(notes));
  });
}

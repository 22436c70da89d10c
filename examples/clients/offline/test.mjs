import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { folderFor, startServer } from '../test/server.mjs';

const notebook = fileURLToPath(new URL('notebook.mjs', import.meta.url));
const configuration = await readFile(new URL('detente.toml', import.meta.url), 'utf8');

test('what is written while the server is away arrives when it is back; what collides is held until somebody decides', async (t) => {
  const [data, outbox] = [await folderFor(t), await folderFor(t)];
  let server = await startServer(data, configuration);
  t.after(() => server.stop());
  const { url, address } = server;

  /** Each command is a process of its own: only the folder remembers. */
  async function run(...words) {
    const env = { ...process.env, DETENTE_URL: url, OUTBOX: outbox, ACTOR: 'ann' };
    const { stdout } = await promisify(execFile)(process.execPath, [notebook, ...words], { env });
    return stdout.trim();
  }
  const stored = async (id) => (await fetch(`${url}/api/notes/${id}`)).json();
  const bens = async (id, note) => {
    const headers = { 'Content-Type': 'application/merge-patch+json', 'If-Match': '*', 'X-Actor': 'ben' };
    const { status } = await fetch(`${url}/api/notes/${id}`, { method: 'PATCH', headers, body: JSON.stringify(note) });
    assert.equal(status, 200);
  };

  for (const id of ['plan', 'list']) assert.equal(await run('write', id, 'title', 'Draft'), 'Saved.');
  for (const id of ['plan', 'list']) assert.equal(await run('write', id, 'due', 'April'), 'Saved.');
  assert.equal(await run('waiting'), 'Nothing waits.');

  await server.stop();
  for (const [id, text] of [['plan', 'Plan'], ['list', 'List'], ['list', 'The list'], ['new', 'Created offline']]) {
    assert.equal(await run('write', id, 'title', text), 'Kept here, to be sent.', id);
  }
  assert.match(await run('send'), /^The server cannot be reached\./);
  assert.deepEqual((await run('waiting')).split('\n').toSorted(), ['list: 2 waiting', 'new: 1 waiting', 'plan: 1 waiting']);

  server = await startServer(data, configuration, address);
  await bens('plan', { title: 'Final' });
  await bens('list', { due: 'May' });
  assert.equal(await run('send'), 'plan: 1 waiting, held: conflict');
  assert.deepEqual(await stored('list'), { title: 'The list', due: 'May' });
  assert.deepEqual(await stored('new'), { title: 'Created offline' });
  assert.deepEqual(await stored('plan'), { title: 'Final', due: 'April' });

  const decided = await run('resolve', 'plan', 'yours');
  assert.equal(decided, '/title: it was “Draft”, ben wrote “Final”, you wrote “Plan”\nSaved.');
  assert.deepEqual(await stored('plan'), { title: 'Plan', due: 'April' });
  assert.equal(await run('waiting'), 'Nothing waits.');
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { serverFor } from '../test/server.mjs';
import { Collision, connect } from './notes.mjs';

const configuration = await readFile(new URL('detente.toml', import.meta.url), 'utf8');

/** The storage of Ann, as her devices have it. */
async function devices(t, ...names) {
  const { address } = await serverFor(t, configuration);
  return Promise.all(names.map((name) => connect(`ann@${address}`, `secret-of-the-${name}`)));
}

test('a note is stored, read, listed, changed and removed', async (t) => {
  const [laptop, phone] = await devices(t, 'laptop', 'phone');
  assert.deepEqual(await laptop.list(), []);
  const first = await laptop.write('a plan é', 'Slate.');
  assert.deepEqual(await phone.list(), ['a plan é']);
  assert.deepEqual(await phone.read('a plan é'), { text: 'Slate.', revision: first });
  const second = await phone.write('a plan é', 'Tiles.', first);
  assert.notEqual(second, first);
  await laptop.remove('a plan é', second);
  assert.equal(await phone.read('a plan é'), undefined);
  assert.deepEqual(await phone.list(), []);
});

test('nothing is replaced or removed that its writer has not seen', async (t) => {
  const [laptop, phone] = await devices(t, 'laptop', 'phone');
  const first = await laptop.write('plan', 'Slate.');
  const second = await phone.write('plan', 'Tiles.', first);
  const refused = (write) => assert.rejects(write, (error) => {
    assert.ok(error instanceof Collision, error.stack);
    assert.deepEqual(error.theirs, { text: 'Tiles.', revision: second });
    return true;
  });
  await refused(laptop.write('plan', 'Thatch.', first));
  await refused(laptop.write('plan', 'A new one.'));
  await refused(laptop.remove('plan', first));
  assert.equal((await phone.read('plan')).text, 'Tiles.');
  await phone.remove('plan', second);
  await assert.rejects(laptop.write('plan', 'Thatch.', second), (error) => error.theirs === undefined);
});

test('lines that two devices add at once are all there', async (t) => {
  const both = await devices(t, 'laptop', 'phone');
  const lines = both.flatMap((notes, n) => Array.from({ length: 10 }, (_, line) => [notes, `${n} ${line}\n`]));
  await Promise.all(lines.map(([notes, line]) => notes.change('list', (text) => text + line)));
  const { text } = await both[0].read('list');
  assert.deepEqual(text.match(/.+\n/g).toSorted(), lines.map(([, line]) => line).toSorted());
});

test('a token allows what the configuration says of it', async (t) => {
  const [laptop, guest, stranger] = await devices(t, 'laptop', 'guest', 'stranger');
  const first = await laptop.write('plan', 'Slate.');
  assert.equal((await guest.read('plan')).text, 'Slate.');
  await assert.rejects(guest.write('plan', 'Tiles.', first), /403/);
  for (const ask of [() => stranger.list(), () => stranger.read('plan')]) await assert.rejects(ask, /401/);
  assert.equal((await laptop.read('plan')).text, 'Slate.');
});

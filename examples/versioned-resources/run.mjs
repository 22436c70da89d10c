// The life of one document: created, changed, fought over, deleted, created again. Every write names its base.
//
//     node run.mjs [http://127.0.0.1:4090]

import assert from 'node:assert/strict';

const base = process.argv[2] ?? process.env.DETENTE_URL ?? 'http://127.0.0.1:4090';

/** One request by one party. */
async function send(who, method, path, headers = {}, body) {
  // A compressed answer has its own tag. With one coding throughout, the tags can be compared.
  const always = { 'X-Actor': who, 'Content-Type': 'application/json', 'Accept-Encoding': 'identity' };
  const response = await fetch(base + path, { method, headers: { ...always, ...headers }, body: JSON.stringify(body) });
  const text = await response.text();
  return {
    request: `${who}: ${method} ${path}${headers['If-Match'] ? ` If-Match: ${headers['If-Match']}` : ''}`,
    status: response.status,
    headers: response.headers,
    tag: response.headers.get('ETag'),
    version: Number(response.headers.get('Document-Version')),
    body: text ? JSON.parse(text) : null,
  };
}

/** Shows a request and its answer. Every fact that is shown is also asserted. */
function show(answer, status, members = {}) {
  console.log(`${answer.request} -> ${answer.status}${answer.tag ? ` ETag: ${answer.tag}` : ''}`);
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  for (const [name, expected] of Object.entries(members)) {
    console.log(`    ${name}: ${JSON.stringify(answer.body[name])}`);
    assert.deepEqual(answer.body[name], expected, name);
  }
  return answer;
}

console.log('== Create and read ==\n');
const created = show(await send('alice', 'POST', '/api/notes', {}, { title: 'Milk', draft: true }), 201);
const path = new URL(created.headers.get('Location'), base).pathname;
const get = (who, headers) => send(who, 'GET', path, headers);
const put = (who, headers, body) => send(who, 'PUT', path, headers, body);
const remove = (who, headers) => send(who, 'DELETE', path, headers);
const upon = ({ tag }) => ({ 'If-Match': tag });

const first = show(await get('bob'), 200, { title: 'Milk', draft: true });
assert.match(first.tag, /^"1-.+"$/); // a strong tag: the version, and an opaque part
assert.match(first.headers.get('Link'), /rel="?version-history/);
const unchanged = show(await get('bob', { 'If-None-Match': first.tag }), 304);
assert.deepEqual([unchanged.tag, unchanged.body], [first.tag, null]);

console.log('\n== PUT ==\n');
const second = show(await put('alice', upon(first), { title: 'Oat milk', draft: true }), 200);
assert.equal(second.version, 2);
show(await get('bob', { 'If-None-Match': first.tag }), 200, { title: 'Oat milk' });
const stale = { error: 'UpdateConflict', current_version: 2, your_version: 1, current_etag: second.tag };
show(await put('bob', upon(first), { title: 'Rice milk', draft: true }), 409, stale);
// Without a condition the server cannot know what would be overwritten.
show(await put('bob', {}, { title: 'Rice milk' }), 428, { error: 'PreconditionRequired' });

console.log('\n== PATCH ==\n');
const merge = (who, headers, patch) =>
  send(who, 'PATCH', path, { 'Content-Type': 'application/merge-patch+json', ...headers }, patch);
const third = show(await merge('bob', upon(second), { pinned: true, draft: null }), 200, { pinned: true });
assert.deepEqual(third.body, { title: 'Oat milk', pinned: true }); // null removed `draft`
show(await merge('alice', upon(second), { pinned: false }), 409, { current_version: 3, your_version: 2 });
show(await merge('alice', {}, { pinned: false }), 428);

const patch = (who, headers, ...operations) =>
  send(who, 'PATCH', path, { 'Content-Type': 'application/json-patch+json', ...headers }, operations);
const fourth = show(await patch('alice', upon(third), { op: 'add', path: '/tags', value: ['shop'] }), 200);
// A JSON Patch with a `test` is its own condition.
const wasOat = { op: 'test', path: '/title', value: 'Oat milk' };
const title = (value) => ({ op: 'replace', path: '/title', value });
const fifth = show(await patch('bob', {}, wasOat, title('Soy milk')), 200, { title: 'Soy milk', tags: ['shop'] });
const failed = { error: 'PatchConflict', path: '/title', expected: 'Oat milk', actual: 'Soy milk' };
show(await patch('alice', {}, wasOat, title('Hemp milk')), 409, failed);

console.log('\n== History ==\n');
const { items } = show(await send('carol', 'GET', `${path}/versions`), 200).body;
const history = items.map(({ version, updated_by, data }) => `${version} by ${updated_by}: ${data.title}`);
for (const line of history) console.log(`    ${line}`);
const newestFirst = ['5 by bob: Soy milk', '4 by alice: Oat milk', '3 by bob: Oat milk', '2 by alice: Oat milk'];
assert.deepEqual(history, [...newestFirst, '1 by alice: Milk']);
show(await send('carol', 'GET', `${path}/versions/1`), 200, { title: 'Milk', draft: true });
show(await send('carol', 'GET', `${path}/versions/99`), 404);

console.log('\n== DELETE ==\n');
show(await remove('alice'), 428);
show(await remove('alice', upon(fourth)), 409, { error: 'UpdateConflict', current_version: 5, your_version: 4 });
show(await remove('alice', upon(fifth)), 204);
show(await get('bob'), 410);
// Bob was editing it all the time: the refusal says who deleted it, and when.
const deleted = { type: '/problems/deleted', error: 'DeletedConflict', deleted_by: 'alice' };
const gone = show(await put('bob', upon(fifth), { title: 'Almond milk' }), 409, deleted);
assert.ok(!Number.isNaN(Date.parse(gone.body.deleted_at)));

console.log('\n== Create it again ==\n');
// The deletion was version 6, so this is 7: a tag is never reused, and an old one can never match by chance.
const again = show(await put('bob', { 'If-None-Match': '*' }, { title: 'Milk', draft: true }), 201);
assert.match(again.tag, /^"7-.+"$/);
assert.deepEqual([fourth.version, fifth.version, again.version], [4, 5, 7]);
show(await put('alice', upon(first), { title: 'Tea' }), 409, { current_version: 7, your_version: 1 });

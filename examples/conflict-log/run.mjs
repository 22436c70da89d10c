// Refused edits are kept, listed, resolved or dismissed, and counted.
//
//     node run.mjs [http://127.0.0.1:4090]

import assert from 'node:assert/strict';

const base = process.argv[2] ?? process.env.DETENTE_URL ?? 'http://127.0.0.1:4090';
// Each run has its own space, and so its own log: the script can be run again on the same data.
const space = `/spaces/run-${crypto.randomUUID()}`;
const api = `${space}/api`;

/** One request. Each party identifies itself by its token. */
async function send(who, method, path, { body, ...headers } = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { Authorization: `Bearer secret-of-${who}`, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('Content-Type') ?? '');
  const tag = response.headers.get('ETag');
  return { who, method, path, status: response.status, tag, body: isJson ? JSON.parse(text) : text };
}

/** Shows a request and its answer. Every fact that is shown is also asserted. */
function show(answer, status, members = {}) {
  console.log(`${answer.who}: ${answer.method} ${answer.path.replace(space, '…')} -> ${answer.status}`);
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  for (const [name, expected] of Object.entries(members)) {
    console.log(`    ${name}: ${JSON.stringify(answer.body[name])}`);
    assert.deepEqual(answer.body[name], expected, name);
  }
  return answer;
}

/** Ann and Bob start from one version, and Bob is faster. Returns Ann's refusal. */
async function collide(path, first, bobs, anns, who = 'ann') {
  const { tag } = await send('bob', 'PUT', path, { body: first });
  show(await send('bob', 'PUT', path, { 'If-Match': tag, body: bobs }), 200);
  return show(await send(who, 'PUT', path, { 'If-Match': tag, body: anns }), 409).body;
}

/** The log entry of a refusal. */
const entry = (who, { logged }) => send(who, 'GET', logged);
const list = async (who, query = '') => (await send(who, 'GET', `${api}/_conflicts${query}`)).body.items;

/** The current value of one line of /metrics. */
async function metric(line) {
  const { body } = await send('monitor', 'GET', '/metrics');
  const found = body.split('\n').find((it) => it.startsWith(`${line} `));
  return found ? Number(found.slice(line.length + 1)) : 0;
}
const stale = 'detente_conflicts_total{collection="pages",kind="stale-version"}';
const barred = 'detente_conflicts_total{collection="parcels",kind="state-conflict"}';
const merged = 'detente_writes_total{collection="pages",outcome="merged"}';
const before = { stale: await metric(stale), barred: await metric(barred), merged: await metric(merged) };

console.log('== Three edits are refused ==\n');
const home = `${api}/pages/home`;
const first = { title: 'Home', text: 'Welcome.', views: 1 };
const anns = { title: 'Start', text: 'Welcome, and come in.', views: 1 };
const one = await collide(home, first, { ...first, title: 'Our home' }, anns);
const two = await collide(`${api}/pages/team`, first, { ...first, text: 'We.' }, { ...first, text: 'Us.' });
const parcel = `${api}/parcels/7`;
const packed = await send('bob', 'PUT', parcel, { body: { status: 'packed' } });
const sent = await send('bob', 'PUT', parcel, { 'If-Match': packed.tag, body: { status: 'sent' } });
const back = { 'If-Match': sent.tag, body: { status: 'packed' } };
const three = show(await send('ann', 'PUT', parcel, back), 409, { error: 'StateConflict' }).body;

console.log('\n== The log ==\n');
const rows = await list('monitor');
for (const row of rows) console.log(`    ${row.by} ${row.method} ${row.collection}/${row.document}: ${row.kind} ${row.paths}`);
assert.deepEqual(
  rows.map((row) => [row.collection, row.document, row.kind, row.paths, row.outcome, row.href]),
  [
    ['parcels', '7', 'state-conflict', ['/status'], 'open', three.logged],
    ['pages', 'team', 'stale-version', ['/text'], 'open', two.logged],
    ['pages', 'home', 'stale-version', ['/title'], 'open', one.logged],
  ],
);
for (const [query, count] of [
  ['?collection=pages', 2],
  ['?collection=pages&document=home', 1],
  ['?kind=state-conflict', 1],
  ['?by=ann', 3],
  ['?by=bob', 0],
  ['?outcome=resolved', 0],
]) {
  assert.equal((await list('monitor', query)).length, count, query);
}

// An entry has the whole edit, and the places where it conflicts with what is stored.
const kept = show(await entry('monitor', one), 200, {
  by: 'ann',
  base_version: 1,
  current_version: 2,
  edit: { document: anns },
  base: first,
  current: { ...first, title: 'Our home' },
});
assert.deepEqual(
  kept.body.conflicts.map(({ path, base: was, yours, current }) => [path, was, yours, current]),
  [['/title', 'Home', 'Start', 'Our home']],
);

console.log('\n== Bob resolves one of them for Ann ==\n');
const resolve = (who, refusal, body) => send(who, 'POST', `${refusal.logged}/resolve`, { body });
// Without a decision it conflicts as before. A decision must say which version it was made on.
show(await resolve('bob', one, {}), 409, { conflicting_fields: ['title'] });
const choices = { '/title': { value: 'Our start' } };
show(await resolve('bob', one, { choices }), 428, { member: '/current' });
const current = one.current_etag;
show(await resolve('bob', one, { choices, current }), 200, {
  title: 'Our start',
  text: 'Welcome, and come in.', // hers: nobody else had changed it
});
show(await entry('monitor', one), 200, { outcome: 'resolved', settled_by: 'bob', settled_version: 3 });

// An entry is resolved only once: Ann comes back and tries the same.
show(await resolve('ann', one, { choices, current }), 409, {
  error: 'ConflictSettled',
  outcome: 'resolved',
  settled_by: 'bob',
  settled_version: 3,
});

console.log('\n== Bob dismisses another ==\n');
show(await resolve('bob', two, { dismiss: true }), 200, { outcome: 'dismissed', settled_by: 'bob' });
show(await send('monitor', 'GET', `${api}/pages/team`), 200, { text: 'We.' });

console.log('\n== Who gets to see what ==\n');
// The form may write, but not read. In the log it sees its own edits, but not what they conflicted with.
const forms = await collide(`${api}/pages/guestbook`, first, { ...first, views: 5 }, { ...first, text: 'Hi!' }, 'form');
assert.deepEqual([forms.current, forms.merged], [undefined, undefined]);
const own = show(await entry('form', forms), 200, { by: 'form', edit: { document: { ...first, text: 'Hi!' } } });
assert.deepEqual([own.body.base, own.body.current, own.body.conflicts], [undefined, undefined, undefined]);
assert.deepEqual((await list('form')).map((row) => row.by), ['form']);
show(await entry('form', one), 404);
show(await resolve('form', forms, {}), 403);
show(await resolve('monitor', forms, { dismiss: true }), 403);
show(await send('form', 'GET', `${api}/_conflicts/stats`), 403);

// The form's edit does not conflict, so resolving it needs no decision.
show(await resolve('ann', forms, {}), 200, { text: 'Hi!', views: 5 });

console.log('\n== Statistics ==\n');
const stats = show(await send('monitor', 'GET', `${api}/_conflicts/stats`), 200, {
  conflicts: 4,
  merged: 2, // what Bob and Ann resolved
  share_merged: 0.333,
  open: 1,
  resolved: 2,
  dismissed: 1,
}).body;
const table = (name, member) => stats[name].map((row) => `${row[member]} ${row.count}`);
console.log(`    kinds: ${table('by_kind', 'kind').join(', ')}; who: ${table('by_actor', 'by').join(', ')}`);
assert.deepEqual(table('by_kind', 'kind'), ['stale-version 3', 'state-conflict 1']);
assert.deepEqual(table('by_actor', 'by'), ['ann 3', 'form 1']);
assert.deepEqual(table('by_collection', 'collection'), ['pages 3', 'parcels 1']);
assert.deepEqual(table('by_path', 'path'), ['pages/text 1', 'pages/title 1', 'parcels/status 1']);
assert.equal(typeof stats.median_resolution_s, 'number');

// The same for Prometheus, over all spaces since the server started.
const after = { stale: await metric(stale), barred: await metric(barred), merged: await metric(merged) };
for (const [name, line, grown] of [
  ['stale', stale, 3],
  ['barred', barred, 1],
  ['merged', merged, 2],
]) {
  console.log(`    ${line}: ${grown} more`);
  assert.equal(after[name] - before[name], grown, line);
}
assert.equal(await metric('detente_conflicts_waiting'), 0, 'reading the log writes waiting entries first');

console.log('\nNo work was lost unless somebody dismissed it.');

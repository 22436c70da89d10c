// Two editors, one document: the second save is refused, and the refusal contains everything needed to resolve it.
//
//     node run.mjs [http://127.0.0.1:4090]

import assert from 'node:assert/strict';

const base = process.argv[2] ?? process.env.DETENTE_URL ?? 'http://127.0.0.1:4090';

/** One request by one editor. */
async function send(who, method, path, { body, ...headers } = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { 'X-Actor': who, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return {
    who,
    method,
    path,
    status: response.status,
    headers: response.headers,
    body: text ? JSON.parse(text) : null,
  };
}

/** Shows a request and its answer. Every fact that is shown is also asserted. */
function show(answer, status, members = {}) {
  console.log(`${answer.who}: ${answer.method} ${answer.path} -> ${answer.status}`);
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  for (const [name, expected] of Object.entries(members)) {
    console.log(`    ${name}: ${JSON.stringify(answer.body[name])}`);
    assert.deepEqual(answer.body[name], expected, name);
  }
  return answer;
}

const path = `/api/documents/plan-${crypto.randomUUID().slice(0, 8)}`;
show(await send('carol', 'PUT', path, { body: { title: 'Draft', body: 'We begin in May.' } }), 201);

console.log('\n== Both change the title ==\n');

// Both open the document, so both start from version 1.
const alices = show(await send('alice', 'GET', path), 200, { title: 'Draft' });
const bobs = show(await send('bob', 'GET', path), 200, { title: 'Draft' });

// Bob is the first to save.
const bobsText = { title: 'Final', body: 'We begin in June.' };
show(await send('bob', 'PUT', path, { 'If-Match': bobs.headers.get('ETag'), body: bobsText }), 200, bobsText);

// Alice's edit is based on version 1 too. Saving it unchanged would destroy Bob's work, so the server refuses.
const alicesText = { title: 'Plan', body: 'We begin in May.', reviewer: 'alice' };
const { body: refusal } = show(
  await send('alice', 'PUT', path, { 'If-Match': alices.headers.get('ETag'), body: alicesText }),
  409,
  {
    type: '/problems/stale-version',
    error: 'UpdateConflict',
    current_version: 2,
    your_version: 1,
    conflicting_fields: ['title'],
    mergeable: false,
    current: bobsText,
  },
);

// Who changed what, in words ...
console.log(`    message: ${refusal.message}`);
assert.match(refusal.message, /bob saved version 2/);
// ... and as data: who has saved since, and what both sides did to each place in conflict.
const [change] = refusal.changes_since;
console.log(`    since then ${change.by} saved version ${change.version} and changed ${change.fields.join(' and ')}`);
assert.deepEqual([change.by, change.version, change.fields.toSorted()], ['bob', 2, ['body', 'title']]);
const [clash] = refusal.conflicts;
console.log(
  `    ${clash.path}: base is "${clash.base}", yours is "${clash.yours}", ${clash.by} saved "${clash.current}"`,
);
assert.deepEqual([clash.path, clash.kind, clash.by, clash.version], ['/title', 'edit-edit', 'bob', 2]);
assert.deepEqual([clash.base, clash.yours, clash.current], ['Draft', 'Plan', 'Final']);

// Alice decides on the title. `merged` already has the rest: Bob's new body and her reviewer.
// She needs no second GET: the refusal contains the current version and its tag.
const resolved = { ...refusal.merged, title: 'Final plan' };
const bothTexts = { title: 'Final plan', body: 'We begin in June.', reviewer: 'alice' };
const saved = show(
  await send('alice', 'PUT', path, { 'If-Match': refusal.current_etag, body: resolved }),
  200,
  bothTexts,
);
assert.equal(saved.headers.get('Document-Version'), '3');

console.log('\n== One changes the title, the other the body ==\n');

const bobsTag = (await send('bob', 'GET', path)).headers.get('ETag');
const alicesTag = (await send('alice', 'GET', path)).headers.get('ETag');
const bobsEdit = { ...bothTexts, body: 'We begin in July.' };
const alicesEdit = { ...bothTexts, title: 'The plan' };
const bothEdits = { title: 'The plan', body: 'We begin in July.', reviewer: 'alice' };

show(await send('bob', 'PUT', path, { 'If-Match': bobsTag, body: bobsEdit }), 200);
const { body: harmless } = show(await send('alice', 'PUT', path, { 'If-Match': alicesTag, body: alicesEdit }), 409, {
  error: 'UpdateConflict',
  current_version: 4,
  your_version: 3,
  conflicting_fields: [],
  conflicts: [],
  mergeable: true,
  merged: bothEdits,
});

// Nothing conflicts, so nobody has to decide: she sends `merged` back unchanged.
show(await send('alice', 'PUT', path, { 'If-Match': harmless.current_etag, body: harmless.merged }), 200);
show(await send('bob', 'GET', path), 200, bothEdits);

console.log('\n== The refusal has all that a program needs ==\n');

// Two people save before Alice does: Bob changes the body and removes the reviewer, Carol changes the title.
const mine = { title: 'A plan', body: 'We begin in May.', reviewer: 'alice and ben' };
const opened = await send('alice', 'GET', path);
const bobs2 = { title: 'The plan', body: 'We begin in August.' };
const then = await send('bob', 'PUT', path, { 'If-Match': opened.headers.get('ETag'), body: bobs2 });
const carols = { title: 'Our plan', body: 'We begin in August.' };
await send('carol', 'PUT', path, { 'If-Match': then.headers.get('ETag'), body: carols });
const answer = show(
  await send('alice', 'PUT', path, { 'If-Match': opened.headers.get('ETag'), body: mine }),
  409,
  { current_version: 7, your_version: 5, conflicting_fields: ['title', 'body', 'reviewer'] },
);
const { body: refused } = answer;

// Texts for people; everything that they say is in a member as well.
assert.equal(refused.message, refused.detail);
assert.equal(refused.instance, path);
assert.equal(refused.current_etag, answer.headers.get('ETag'));
assert.deepEqual(
  refused.changes_since.map(({ version, by, fields }) => `${by} saved ${version}: ${fields.toSorted()}`),
  ['bob saved 6: body,reviewer', 'carol saved 7: title'],
);

// For each place: how the two edits conflict, the three values, and who made the other edit. An absent value has no member
// at all: Bob removed the reviewer, so there is no `current` (null would be a value).
for (const { path: place, kind, by, version, ...values } of refused.conflicts) {
  console.log(`    ${place}: ${kind}, by ${by} in version ${version}: ${JSON.stringify(values)}`);
}
assert.deepEqual(refused.conflicts, [
  {
    path: '/title',
    kind: 'edit-edit',
    strategy: 'manual',
    base: 'The plan',
    yours: 'A plan',
    current: 'Our plan',
    by: 'carol',
    version: 7,
  },
  {
    path: '/body',
    kind: 'edit-edit',
    strategy: 'manual',
    base: 'We begin in July.',
    yours: 'We begin in May.',
    current: 'We begin in August.',
    by: 'bob',
    version: 6,
  },
  {
    path: '/reviewer',
    kind: 'edit-delete',
    strategy: 'manual',
    base: 'alice',
    yours: 'alice and ben',
    by: 'bob',
    version: 6,
  },
]);

// What to do next: each way has its method, URL and condition, so a client can follow it without knowing this server.
const ways = new Map(refused.resolutions.map((way) => [way.rel, way]));
console.log(`    what to do next: ${[...ways.keys()].join(', ')}`);
assert.deepEqual([...ways.keys()], ['retry', 'merge', 'current', 'history']);
const { current, history, merge, retry } = Object.fromEntries(ways);
show(await send('alice', current.method, current.href), 200, carols);
const { body: versions } = await send('alice', history.method, history.href);
assert.deepEqual(versions.items[0].data, carols);

// `merge` takes her edit and a decision for each place; with dry_run=true it only shows what would be stored.
const resolution = {
  base: merge.base,
  current: merge.current,
  document: mine,
  choices: { '/title': 'current', '/body': { value: 'We begin in August, or in May.' }, '/reviewer': 'yours' },
};
const agreed = { title: 'Our plan', body: 'We begin in August, or in May.', reviewer: 'alice and ben' };
show(await send('alice', merge.method, `${merge.href}?dry_run=true`, { body: resolution }), 200, {
  mergeable: true,
  document: agreed,
});
// `retry` is her own request, based on the current version.
show(await send('alice', retry.method, retry.href, { 'If-Match': retry.if_match, body: agreed }), 200, agreed);

// `type` leads to a page for people, `logged` to where her edit is kept in case she closes the window now.
const page = await fetch(base + refused.type);
assert.equal(page.status, 200);
assert.match(await page.text(), /The document changed since you read it/);
const kept = show(await send('alice', 'GET', refused.logged), 200, { by: 'alice', outcome: 'open' });
assert.deepEqual(kept.body.edit, { document: mine });

console.log('\nEvery edit is there, or somebody decided on it. Nothing was lost.');

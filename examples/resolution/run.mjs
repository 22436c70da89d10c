// Three ways to continue with a stale edit: merged by the server, reviewed by a person, or made again. The request chooses.
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
  return { who, method, path, status: response.status, headers: response.headers, body: await response.json() };
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

/** Shows header fields, and asserts them; null means absent. */
function fields({ headers }, expected) {
  for (const [name, value] of Object.entries(expected)) {
    console.log(`    ${name}: ${headers.get(name) ?? '(none)'}`);
    assert.equal(headers.get(name), value, name);
  }
}

const tagOf = ({ headers }) => headers.get('ETag');
const merge = { Prefer: 'conflict=merge' };

/** Creates an article that both open, and has Bob save it. Returns the tags of both versions. */
async function collision(bobs) {
  const path = `/api/articles/${crypto.randomUUID()}`;
  const first = { title: 'Draft', body: 'One\nTwo\nThree\n', tags: ['news'], views: 10 };
  const created = await send('carol', 'PUT', path, { body: first });
  const saved = show(await send('bob', 'PUT', path, { 'If-Match': tagOf(created), body: { ...first, ...bobs } }), 200);
  return { path, first, base: tagOf(created), current: tagOf(saved) };
}

console.log('== 1. Nothing conflicts: merged by the server ==\n');
{
  const bobs = { body: 'One\nTwo\nThree!\n', tags: ['news', 'sport'], views: 12 };
  const { path, first, base: tag } = await collision(bobs);
  const alices = { ...first, title: 'Plan', body: 'ONE\nTwo\nThree\n', tags: ['may'], views: 11 };

  // The server does not merge unless it is asked to.
  show(await send('alice', 'PUT', path, { 'If-Match': tag, body: alices }), 409, { mergeable: true, conflicts: [] });

  const merged = show(await send('alice', 'PUT', path, { 'If-Match': tag, ...merge, body: alices }), 200, {
    title: 'Plan', // only Alice changed it
    body: 'ONE\nTwo\nThree!\n', // each changed another line
    tags: ['may', 'sport'], // Alice removed `news`, each added one
    views: 13, // she added one, he added two
  });
  // What is stored is not what she sent, so there is no ETag for her copy: she must adopt the answer first.
  const stored = await send('alice', 'GET', path);
  fields(merged, { 'Merged-Versions': '1..2', ETag: null, 'Merged-ETag': tagOf(stored) });
  fields(merged, { 'Preference-Applied': 'conflict=merge' });
  assert.deepEqual(stored.body, merged.body);
}

console.log('\n== 2. Something conflicts: reviewed by a person ==\n');
{
  const { path, first, base: tag, current } = await collision({ title: 'Final', tags: ['news', 'sport'] });
  const alices = { ...first, title: 'Plan', views: 11 };

  // The same request as before: whatever can be merged is merged, the rest is in conflict.
  const refusal = show(await send('alice', 'PUT', path, { 'If-Match': tag, ...merge, body: alices }), 409, {
    conflicting_fields: ['title'],
    merged: { ...first, title: 'Final', tags: ['news', 'sport'], views: 11 },
  });
  assert.equal(refusal.body.current_etag, current);

  // A preview of her decision. It is checked like the write itself, and nothing is written.
  const decided = { base: tag, document: alices, current, choices: { '/title': { value: 'Final plan' } } };
  const agreed = { ...first, title: 'Final plan', tags: ['news', 'sport'], views: 11 };
  show(await send('alice', 'POST', `${path}/merge?dry_run=true`, { body: decided }), 200, {
    mergeable: true,
    conflicts: [],
    document: agreed,
  });
  assert.equal(tagOf(await send('alice', 'GET', path)), current);

  // While she looks at it, Bob saves twice: another place, which does not matter, and the title, which does.
  const bobs = await send('bob', 'GET', path);
  const elsewhere = await send('bob', 'PUT', path, { 'If-Match': tagOf(bobs), body: { ...bobs.body, views: 20 } });
  await send('bob', 'PUT', path, { 'If-Match': tagOf(elsewhere), body: { ...elsewhere.body, title: 'Last' } });

  // Her decision was about "Final". It does not apply to "Last": the title is in conflict again, and only the title.
  const again = show(await send('alice', 'POST', `${path}/merge`, { body: decided }), 409, {
    conflicting_fields: ['title'],
    merged: { ...agreed, title: 'Last', views: 21 },
  });
  assert.deepEqual(again.body.conflicts[0].current, 'Last');
  const done = show(
    await send('alice', 'POST', `${path}/merge`, { body: { ...decided, current: again.body.current_etag } }),
    200,
    { title: 'Final plan', tags: ['news', 'sport'], views: 21 },
  );
  // The answer to POST is the document as it is stored, so this one has an ETag.
  fields(done, { 'Merged-Versions': '1..4', ETag: tagOf(await send('alice', 'GET', path)), 'Content-Location': path });
}

console.log('\n== 3. Made again ==\n');
{
  const { path, first, base: tag } = await collision({ title: 'Final' });
  // "In capitals" is an intent: it can be applied to any version. The refusal has the current one, so no GET is needed.
  const shout = (article) => ({ ...article, title: article.title.toUpperCase() });
  let [article, condition, tries] = [first, tag, 0];
  for (;;) {
    tries++;
    assert.ok(tries <= 10, 'somebody is always faster');
    const answer = await send('alice', 'PUT', path, { 'If-Match': condition, body: shout(article) });
    if (answer.status === 200) break;
    show(answer, 409, { conflicting_fields: ['title'] });
    [article, condition] = [answer.body.current, answer.body.current_etag];
  }
  show(await send('alice', 'GET', path), 200, { title: 'FINAL' });
  assert.equal(tries, 2);
}

console.log('\n== A collection that merges by default ==\n');
{
  const path = `/api/notes/${crypto.randomUUID()}`;
  const created = await send('carol', 'PUT', path, { body: { text: 'Milk', done: false } });
  const stale = { 'If-Match': tagOf(created) };
  await send('bob', 'PUT', path, { ...stale, body: { text: 'Milk', done: true } });
  const alices = { text: 'Milk and bread', done: false };
  const strict = { ...stale, Prefer: 'conflict=reject' };
  show(await send('alice', 'PUT', path, { ...strict, body: alices }), 409, { mergeable: true });
  show(await send('alice', 'PUT', path, { ...stale, body: alices }), 200, { text: 'Milk and bread', done: true });
}

console.log('\nThree ways, and none of them lost an edit.');

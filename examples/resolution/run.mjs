// One stale edit, three ways to go on: merged by the server, reviewed by a person, or made anew. The request chooses.
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

/** Tells what an editor did and was answered. Every fact that is shown is asserted. */
function tell(answer, status, members = {}) {
  console.log(`${answer.who}: ${answer.method} ${answer.path} -> ${answer.status}`);
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  for (const [name, expected] of Object.entries(members)) {
    console.log(`    ${name}: ${JSON.stringify(answer.body[name])}`);
    assert.deepEqual(answer.body[name], expected, name);
  }
  return answer;
}

/** Shows header fields, and asserts them; null is for one that is not there. */
function fields({ headers }, expected) {
  for (const [name, value] of Object.entries(expected)) {
    console.log(`    ${name}: ${headers.get(name) ?? '(none)'}`);
    assert.equal(headers.get(name), value, name);
  }
}

const tagOf = ({ headers }) => headers.get('ETag');
const merge = { Prefer: 'conflict=merge' };

/** An article as both open it, and as it is once Bob has saved. Gives the tags of both. */
async function collision(bobs) {
  const path = `/api/articles/${crypto.randomUUID()}`;
  const first = { title: 'Draft', body: 'One\nTwo\nThree\n', tags: ['news'], views: 10 };
  const created = await send('carol', 'PUT', path, { body: first });
  const saved = tell(await send('bob', 'PUT', path, { 'If-Match': tagOf(created), body: { ...first, ...bobs } }), 200);
  return { path, first, base: tagOf(created), current: tagOf(saved) };
}

console.log('== 1. Merged by the server, where nothing collides ==\n');
{
  const bobs = { body: 'One\nTwo\nThree!\n', tags: ['news', 'sport'], views: 12 };
  const { path, first, base: tag } = await collision(bobs);
  const alices = { ...first, title: 'Plan', body: 'ONE\nTwo\nThree\n', tags: ['may'], views: 11 };

  // Not unless somebody asks for it.
  tell(await send('alice', 'PUT', path, { 'If-Match': tag, body: alices }), 409, { mergeable: true, conflicts: [] });

  const merged = tell(await send('alice', 'PUT', path, { 'If-Match': tag, ...merge, body: alices }), 200, {
    title: 'Plan', // only Alice changed it
    body: 'ONE\nTwo\nThree!\n', // each of them another line
    tags: ['may', 'sport'], // Alice took `news` out, each put one in
    views: 13, // one more by her, two more by him
  });
  // What is stored is not what she sent, so no ETag may vouch for her copy: she has to take over the answer first.
  const stored = await send('alice', 'GET', path);
  fields(merged, { 'Merged-Versions': '1..2', ETag: null, 'Merged-ETag': tagOf(stored) });
  fields(merged, { 'Preference-Applied': 'conflict=merge' });
  assert.deepEqual(stored.body, merged.body);
}

console.log('\n== 2. Reviewed by a person, where something does ==\n');
{
  const { path, first, base: tag, current } = await collision({ title: 'Final', tags: ['news', 'sport'] });
  const alices = { ...first, title: 'Plan', views: 11 };

  // The same request as before: what can be joined is joined, what really collides is asked about.
  const refusal = tell(await send('alice', 'PUT', path, { 'If-Match': tag, ...merge, body: alices }), 409, {
    conflicting_fields: ['title'],
    merged: { ...first, title: 'Final', tags: ['news', 'sport'], views: 11 },
  });
  assert.equal(refusal.body.current_etag, current);

  // A preview: what would this decision come to? It is judged like the write itself, and nothing is written.
  const decided = { base: tag, document: alices, current, choices: { '/title': { value: 'Final plan' } } };
  const agreed = { ...first, title: 'Final plan', tags: ['news', 'sport'], views: 11 };
  tell(await send('alice', 'POST', `${path}/merge?dry_run=true`, { body: decided }), 200, {
    mergeable: true,
    conflicts: [],
    document: agreed,
  });
  assert.equal(tagOf(await send('alice', 'GET', path)), current);

  // While she looks at it, Bob saves twice: elsewhere, which does not matter, and the title, which does.
  const bobs = await send('bob', 'GET', path);
  const elsewhere = await send('bob', 'PUT', path, { 'If-Match': tagOf(bobs), body: { ...bobs.body, views: 20 } });
  await send('bob', 'PUT', path, { 'If-Match': tagOf(elsewhere), body: { ...elsewhere.body, title: 'Last' } });

  // Her decision was about "Final". It is not carried over to "Last": she is asked again, and only about the title.
  const again = tell(await send('alice', 'POST', `${path}/merge`, { body: decided }), 409, {
    conflicting_fields: ['title'],
    merged: { ...agreed, title: 'Last', views: 21 },
  });
  assert.deepEqual(again.body.conflicts[0].current, 'Last');
  const done = tell(
    await send('alice', 'POST', `${path}/merge`, { body: { ...decided, current: again.body.current_etag } }),
    200,
    { title: 'Final plan', tags: ['news', 'sport'], views: 21 },
  );
  // The answer to POST is the document as it is stored, so this one has an ETag.
  fields(done, { 'Merged-Versions': '1..4', ETag: tagOf(await send('alice', 'GET', path)), 'Content-Location': path });
}

console.log('\n== 3. Made anew ==\n');
{
  const { path, first, base: tag } = await collision({ title: 'Final' });
  // "In capitals" is an intent: it can be done to whatever is there. The refusal has that, so no GET is needed.
  const shout = (article) => ({ ...article, title: article.title.toUpperCase() });
  let [article, condition, tries] = [first, tag, 0];
  for (;;) {
    tries++;
    assert.ok(tries <= 10, 'somebody is always faster');
    const answer = await send('alice', 'PUT', path, { 'If-Match': condition, body: shout(article) });
    if (answer.status === 200) break;
    tell(answer, 409, { conflicting_fields: ['title'] });
    [article, condition] = [answer.body.current, answer.body.current_etag];
  }
  tell(await send('alice', 'GET', path), 200, { title: 'FINAL' });
  assert.equal(tries, 2);
}

console.log('\n== A collection that merges unless it is told not to ==\n');
{
  const path = `/api/notes/${crypto.randomUUID()}`;
  const created = await send('carol', 'PUT', path, { body: { text: 'Milk', done: false } });
  const stale = { 'If-Match': tagOf(created) };
  await send('bob', 'PUT', path, { ...stale, body: { text: 'Milk', done: true } });
  const alices = { text: 'Milk and bread', done: false };
  const strict = { ...stale, Prefer: 'conflict=reject' };
  tell(await send('alice', 'PUT', path, { ...strict, body: alices }), 409, { mergeable: true });
  tell(await send('alice', 'PUT', path, { ...stale, body: alices }), 200, { text: 'Milk and bread', done: true });
}

console.log('\nThree ways, and no edit was lost on any of them.');

// Two editors work through GraphQL, a third through REST, all on one document: one history, one kind of refusal.
//
//     node run.mjs [http://127.0.0.1:4090]

import assert from 'node:assert/strict';

const base = process.argv[2] ?? process.env.DETENTE_URL ?? 'http://127.0.0.1:4090';
const id = `roof-${crypto.randomUUID().slice(0, 8)}`; // so that the script can be run again on the same data

/** One operation by one editor. */
async function ask(who, query, variables = {}) {
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'X-Actor': who, 'Content-Type': 'application/json', Accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query, variables }),
  });
  assert.equal(response.status, 200, 'the operation was performed, with or without errors in its fields');
  const { data, errors = [] } = await response.json();
  const [field] = Object.keys(data);
  const { code, problem } = errors[0]?.extensions ?? {};
  console.log(`${who}: ${field} -> ${code ?? 'done'}`);
  return { value: data[field], code, problem };
}

/** The same by REST. */
async function send(who, method, path, { body, ...headers } = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { 'X-Actor': who, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  console.log(`${who}: ${method} ${path} -> ${response.status}`);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Shows members of something. Every fact that is shown is also asserted. */
function show(of, members) {
  for (const [name, expected] of Object.entries(members)) {
    console.log(`    ${name}: ${JSON.stringify(of[name])}`);
    assert.deepEqual(of[name], expected, name);
  }
}

/** The changes of the document as they happen, by server-sent events (the protocol of the library graphql-sse). */
async function subscribe(since) {
  const connection = new AbortController();
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { Accept: 'text/event-stream', 'Content-Type': 'application/json' },
    body: JSON.stringify({
      query: `subscription ($id: ID!, $since: String) {
        articleChanged(id: $id, since: $since) {
          position version updatedBy paths merged { baseVersion ontoVersion } document { etag json }
        }
      }`,
      variables: { id, since },
    }),
    signal: connection.signal,
  });
  assert.equal(response.status, 200);
  // Nothing is missed from here on: the head of the answer is sent once the server follows the log.
  const events = eventsOf(response.body);
  return {
    async next() {
      const { value, done } = await events.next();
      assert.ok(!done && value.event === 'next', 'the stream goes on');
      const change = JSON.parse(value.data).data.articleChanged;
      console.log(`    seen: ${change.updatedBy} saved version ${change.version}, ${change.paths.join(', ')}`);
      return change;
    },
    close: () => connection.abort(),
  };
}

/** The events of a stream (HTML Standard, section 9.2.6), as far as this server uses it. */
async function* eventsOf(body) {
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
      const lines = text.slice(0, end).split('\n');
      const fields = lines.map((line) => line.match(/^(\w+): ?(.*)$/)).filter((field) => field !== null);
      if (fields.length > 0) yield Object.fromEntries(fields.map(([, name, value]) => [name, value]));
      // Otherwise it was a comment, which only keeps the connection open.
    }
  }
}

// Tag and document must come from one answer, so they are always asked for together.
const SAVED = `fragment Saved on Article {
  id version etag json outcome { isReplayed merged { baseVersion ontoVersion } }
}`;
const read = (who) => ask(who, `query ($id: ID!) { article(id: $id) { ...Saved } } ${SAVED}`, { id });
const replace = (who, etag, data) =>
  ask(
    who,
    `mutation ($id: ID!, $etag: String!, $data: ArticleInput!) {
      replaceArticle(id: $id, ifMatch: $etag, data: $data) { ...Saved }
    } ${SAVED}`,
    { id, etag, data },
  );
const patch = (who, etag, patch, onConflict = 'REJECT', asked = '...Saved') =>
  ask(
    who,
    `mutation ($id: ID!, $etag: String!, $patch: JSON!, $onConflict: OnConflict) {
      patchArticle(id: $id, ifMatch: $etag, patch: $patch, onConflict: $onConflict) { ${asked} }
    } ${asked === '...Saved' ? SAVED : ''}`,
    { id, etag, patch, onConflict },
  );

console.log('== Alice creates the article, twice: her first answer is lost ==\n');
const first = { title: 'Roofs', body: 'Once upon a time', state: 'draft', tags: ['roof'], readers: 0 };
const create = [
  `mutation ($id: ID!, $data: ArticleInput!, $key: String!) {
    createArticle(id: $id, data: $data, idempotencyKey: $key) { ...Saved }
  } ${SAVED}`,
  { id, data: first, key: `create-${id}` },
];
await ask('alice', ...create);
const created = (await ask('alice', ...create)).value;
show(created, { version: 1, json: first, outcome: { isReplayed: true, merged: null } });
// It is one key for all ways into the server.
const path = `/api/articles/${id}`;
const again = { 'Idempotency-Key': `create-${id}`, 'If-None-Match': '*', body: first };
const replayed = await send('alice', 'PUT', path, again);
assert.deepEqual([replayed.status, replayed.headers.get('Idempotent-Replayed')], [201, 'true']);

console.log('\n== Alice and Ben change the title, Carol the body ==\n');
let changes = await subscribe();
const alices = (await read('alice')).value;
const bens = (await read('ben')).value;
assert.equal(alices.etag, created.etag);

// Carol works through REST. The tag is the same.
const carols = await send('carol', 'GET', path);
assert.equal(carols.headers.get('ETag'), alices.etag);
const body = 'Once upon a time there was a roof';
const byCarol = await send('carol', 'PUT', path, { 'If-Match': alices.etag, body: { ...carols.body, body } });
assert.equal(byCarol.status, 200);
const second = await changes.next();
assert.deepEqual([second.version, second.updatedBy, second.paths], [2, 'carol', ['/body']]);
assert.equal(second.document.etag, byCarol.headers.get('ETag'));

// Ben's edit does not overlap with hers. He asks for a merge, with the tag that he has.
const merged = await patch('ben', bens.etag, { title: 'Roof tiles' }, 'MERGE');
show(merged.value, {
  version: 3,
  json: { ...first, title: 'Roof tiles', body },
  outcome: { isReplayed: false, merged: { baseVersion: 1, ontoVersion: 2 } },
});
const third = await changes.next();
assert.deepEqual([third.version, third.paths, third.merged], [3, ['/title'], { baseVersion: 1, ontoVersion: 2 }]);

// Alice's edit began from version 1, and collides with Ben's.
const draft = { ...alices.json, title: 'Tin roofs', tags: ['roof', 'tin'] };
const { code, problem: refusal } = await replace('alice', alices.etag, draft);
assert.equal(code, 'UPDATE_CONFLICT');
show(refusal, {
  your_version: 1,
  current_version: 3,
  conflicting_fields: ['title'],
  mergeable: false,
  current: { ...first, title: 'Roof tiles', body },
  merged: { ...first, title: 'Roof tiles', body, tags: ['roof', 'tin'] },
});
assert.equal(refusal.current_etag, merged.value.etag);
const [conflict] = refusal.conflicts;
show(conflict, { path: '/title', base: 'Roofs', yours: 'Tin roofs', current: 'Roof tiles', by: 'ben' });

console.log('\n== Alice resolves it from the refusal alone ==\n');
// `merged` has all that does not collide, also her tag. She decides on the title.
const title = 'Tin and tiles';
const resolved = await replace('alice', refusal.current_etag, { ...refusal.merged, title });
show(resolved.value, { version: 4, json: { ...first, title, body, tags: ['roof', 'tin'] } });
const fourth = await changes.next();
assert.deepEqual([fourth.version, fourth.paths.toSorted()], [4, ['/tags', '/title']]);

console.log('\n== Her refused edit is in the log, and she lets it go ==\n');
const logged = refusal.logged.split('/').at(-1);
const open = await ask('alice', `{ article(id: "${id}") { conflicts(outcome: OPEN) { id by kind paths } } }`);
show(open.value, { conflicts: [{ id: logged, by: 'alice', kind: 'stale-version', paths: ['/title'] }] });
const dismissed = await ask(
  'alice',
  'mutation ($id: ID!) { dismissConflict(id: $id, reason: "Done by hand") { outcome settledBy settledReason } }',
  { id: logged },
);
show(dismissed.value, { outcome: 'DISMISSED', settledBy: 'alice', settledReason: 'Done by hand' });

console.log('\n== The connection breaks; Ben saves, and nothing is missed ==\n');
changes.close();
// He does not ask for the document. So he does not get the tag of what was joined either: with it and a document of his
// own he would undo what Alice wrote.
const blind = await patch('ben', merged.value.etag, { readers: 1 }, 'MERGE', 'version etag');
show(blind.value, { version: 5, etag: null });
changes = await subscribe(fourth.position);
const fifth = await changes.next();
assert.deepEqual([fifth.version, fifth.paths], [5, ['/readers']]);

console.log('\n== All or nothing ==\n');
const batch = (etag) =>
  ask(
    'alice',
    `mutation ($id: ID!, $note: ID!, $etag: String!) {
      batch(operations: [
        {createNote: {id: $note, data: {text: "Print it"}}}
        {patchArticle: {id: $id, ifMatch: $etag, patch: {state: "printed"}}}
      ]) { collection id version document { etag json } }
    }`,
    { id, note: `print-${id}`, etag },
  );
// The tag is that of version 4: one refusal, and no note either.
const refused = await batch(fourth.document.etag);
assert.equal(refused.code, 'UPDATE_CONFLICT');
show(refused.problem, { operation: 1, current_version: 5 });
assert.deepEqual(
  refused.problem.results.map(({ status }) => status),
  [424, 409],
);
assert.equal((await ask('alice', `{ note(id: "print-${id}") { version } }`)).value, null);

const printed = await batch(refused.problem.current_etag);
assert.deepEqual(
  printed.value.map(({ collection, version }) => [collection, version]),
  [
    ['notes', 1],
    ['articles', 6],
  ],
);
show(printed.value[1].document.json, { state: 'printed', title, body, readers: 1 });
const sixth = await changes.next();
assert.deepEqual([sixth.version, sixth.paths], [6, ['/state']]);
changes.close();

console.log('\n== One history ==\n');
const history = await ask('carol', `{ articleVersions(id: "${id}") { nodes { version updatedBy } } }`);
show(history.value, {
  nodes: [
    { version: 6, updatedBy: 'alice' },
    { version: 5, updatedBy: 'ben' },
    { version: 4, updatedBy: 'alice' },
    { version: 3, updatedBy: 'ben' },
    { version: 2, updatedBy: 'carol' },
    { version: 1, updatedBy: 'alice' },
  ],
});
console.log('\nNothing of what anybody wrote was lost.');

// Every failure has its own status, and every refusal is a problem (RFC 9457) with members to act on.
//
//     node run.mjs [http://127.0.0.1:4090]

import assert from 'node:assert/strict';

const base = process.argv[2] ?? process.env.DETENTE_URL ?? 'http://127.0.0.1:4090';
const alice = { Authorization: 'Bearer alice-secret' };
const reader = { Authorization: 'Bearer reader-secret' };
const hurried = { Authorization: 'Bearer hurried-secret' };

/** One request. A body that is a string is sent unchanged. */
async function send(method, path, headers, body) {
  const response = await fetch(base + path, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { method, path, status: response.status, headers: response.headers, text: await response.text() };
}

/** A request that must succeed. */
function fine(answer, ...statuses) {
  console.log(`${answer.status} ${answer.method} ${answer.path}`);
  assert.ok(statuses.includes(answer.status), answer.text);
  return answer;
}

/** A request that must be refused, with a problem of that `type` (if given) and those members. */
function refused(answer, status, type, members = {}) {
  const { headers } = fine(answer, status);
  assert.match(headers.get('Content-Type'), /^application\/problem\+json/);
  const problem = JSON.parse(answer.text);
  console.log(`    ${problem.type}: ${problem.error}: ${problem.detail}`);
  for (const name of ['type', 'title', 'detail', 'error']) assert.ok(problem[name]?.length > 0, `it has a ${name}`);
  for (const [name, expected] of Object.entries(members)) {
    console.log(`    ${name}: ${JSON.stringify(problem[name])}`);
    assert.deepEqual(problem[name], expected, name);
  }
  assert.deepEqual([problem.status, problem.instance], [status, answer.path]);
  assert.equal(problem.type, type ? `/problems/${type}` : problem.type);
  return { headers, problem };
}

/** A header that lists at least `names`, such as Allow. */
function lists(headers, header, ...names) {
  console.log(`    ${header}: ${headers.get(header)}`);
  const listed = headers
    .get(header)
    ?.split(',')
    .map((name) => name.trim());
  for (const name of names) assert.ok(listed?.includes(name), `${header} lists ${name}`);
}

const all = '/api/documents';
const slug = `doc-${crypto.randomUUID().slice(0, 8)}`;
const path = `${all}/${slug}`;
const draft = { title: 'Draft', slug };
const plan = { title: 'Plan', slug };

console.log('== What works ==\n');
const first = fine(await send('PUT', path, alice, draft), 201).headers.get('ETag');
const fresh = { ...alice, 'If-Match': first };
fine(await send('GET', path, reader), 200);
const head = fine(await send('HEAD', path, reader), 200); // as GET, without the body
assert.match(head.headers.get('ETag'), /^"1-/);
assert.equal(head.text, '');
const options = fine(await send('OPTIONS', path, alice), 200, 204);
lists(options.headers, 'Allow', 'GET', 'HEAD', 'PUT', 'PATCH', 'DELETE');

console.log('\n== Who are you, and may you? ==\n');
const stranger = refused(await send('PUT', path, {}, plan), 401, 'unauthenticated');
assert.match(stranger.headers.get('WWW-Authenticate'), /^Bearer/);
refused(await send('PUT', path, { Authorization: 'Bearer guess' }, plan), 401, 'unauthenticated');
refused(await send('PUT', path, { ...fresh, ...reader }, plan), 403, 'forbidden'); // may read, may not write

const diary = `/api/diaries/${slug}`;
fine(await send('PUT', diary, alice, { owner: 'alice', text: 'Dear diary' }), 201);
refused(await send('GET', diary, reader), 404, 'not-found'); // it is not there for anybody else
const others = `/api/diaries/${crypto.randomUUID()}`;
refused(await send('PUT', others, alice, { owner: 'bob' }), 403, 'forbidden', { action: 'create' });

console.log('\n== What did you send? ==\n');
const malformed = { error: 'MalformedRequest' };
for (const text of ['{"title": }', '{"title": "Plan", "title": "Idea"}']) {
  const { offset } = refused(await send('PUT', path, fresh, text), 400, 'malformed', malformed).problem;
  console.log(`    offset: ${offset} of ${text}`);
  assert.ok(Number.isInteger(offset) && offset > 0 && offset <= text.length);
}
refused(await send('GET', `${all}/_what`, alice), 400, 'malformed', malformed); // not a valid id
const unquoted = refused(await send('PUT', path, { ...alice, 'If-Match': 'v1' }, plan), 400, 'malformed', malformed);
console.log(`    header: ${unquoted.problem.header}`);
assert.equal(unquoted.problem.header.toLowerCase(), 'if-match');
refused(await send('PUT', path, fresh, { title: 'x'.repeat(4096) }), 413); // more than limits.body_bytes
const text = refused(await send('POST', all, { ...alice, 'Content-Type': 'text/plain' }, 'Plan'), 415);
lists(text.headers, 'Accept-Post', 'application/json');
const patch = refused(await send('PATCH', path, { ...fresh, 'Content-Type': 'text/plain' }, 'Plan'), 415);
lists(patch.headers, 'Accept-Patch', 'application/merge-patch+json', 'application/json-patch+json');
const invalid = refused(await send('PUT', path, fresh, { title: '', priority: 9 }), 422, 'invalid-document');
for (const violation of invalid.problem.violations) console.log(`    ${violation.path}: ${violation.message}`);
const places = invalid.problem.violations.map((violation) => `${violation.path} ${violation.keyword}`);
assert.deepEqual(places.toSorted(), ['/priority maximum', '/title minLength']);

console.log('\n== Is it there? ==\n');
refused(await send('GET', `${all}/${crypto.randomUUID()}`, alice), 404);
const whole = refused(await send('DELETE', all, alice), 405); // not a whole collection
lists(whole.headers, 'Allow', 'GET', 'POST');

console.log('\n== On what condition? ==\n');
// The refusal does not contain the tag: the client must read the document first.
refused(await send('PUT', path, alice, plan), 428, 'precondition-required', { current_etag: undefined });
const exists = { error: 'PreconditionFailed', current_version: 1 };
refused(await send('PUT', path, { ...alice, 'If-None-Match': '*' }, plan), 412, 'precondition-failed', exists);
const second = fine(await send('PUT', path, fresh, plan), 200).headers.get('ETag');
const stale = { error: 'UpdateConflict', current_version: 2, your_version: 1, conflicting_fields: ['title'] };
refused(await send('PUT', path, fresh, { title: 'Idea', slug }), 409, 'stale-version', stale);
const taken = { error: 'DuplicateEntry', existing: { id: slug, href: path } };
refused(await send('POST', all, alice, draft), 409, 'duplicate-entry', taken);

console.log('\n== Is it still there? ==\n');
fine(await send('DELETE', path, { ...alice, 'If-Match': second }), 204);
refused(await send('GET', path, alice), 410);
const deleted = { error: 'DeletedConflict', deleted_by: 'alice' }; // the name of the token
refused(await send('PUT', path, { ...alice, 'If-Match': second }, draft), 409, 'deleted', deleted);

console.log('\n== How often did you ask? ==\n');
let answer;
do answer = await send('GET', diary, hurried);
while (answer.status === 404);
const { headers } = refused(answer, 429, 'rate-limited', { limit: 'reads' });
for (const name of ['Retry-After', 'RateLimit', 'RateLimit-Policy']) console.log(`    ${name}: ${headers.get(name)}`);
assert.ok(Number(headers.get('Retry-After')) >= 1);
fine(await send('GET', '/api/documents', alice), 200); // nobody else has to wait

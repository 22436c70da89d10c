// What may exist only once: the refusal names the field and the holder of every key that is taken, all at once.
//
//     node run.mjs [http://127.0.0.1:4090]

import assert from 'node:assert/strict';

const base = process.argv[2] ?? process.env.DETENTE_URL ?? 'http://127.0.0.1:4090';
const run = crypto.randomUUID().slice(0, 8); // so that the script can be run again on the same data

/** One request by one party. */
async function send(who, method, path, { body, ...headers }) {
  const response = await fetch(base + path, {
    method,
    headers: { 'X-Actor': who, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const answer = { who, method, path, sent: body, status: response.status, tag: response.headers.get('ETag') };
  answer.body = text ? JSON.parse(text) : null;
  answer.href = response.headers.has('Location') ? new URL(response.headers.get('Location'), base).pathname : undefined;
  return answer;
}

/** Shows a request and its answer. Every fact that is shown is also asserted. */
function show(answer, status, members = {}) {
  console.log(`${answer.who}: ${answer.method} ${answer.path} ${JSON.stringify(answer.sent)} -> ${answer.status}`);
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  for (const [name, expected] of Object.entries(members)) {
    console.log(`    ${name}: ${JSON.stringify(answer.body[name])}`);
    assert.deepEqual(answer.body[name], expected, name);
  }
  return answer;
}

const create = (who, collection, body) => send(who, 'POST', `/api/${collection}`, { body });
const holder = ({ href }) => ({ id: href.split('/').at(-1), href });
const mergePatch = (tag, body) => ({ 'Content-Type': 'application/merge-patch+json', 'If-Match': tag, body });
const duplicate = { type: '/problems/duplicate-entry', error: 'DuplicateEntry' };

console.log('== E-mail and username ==\n');
const ann = { email: `ann-${run}@example.com`, username: `ann-${run}` };
const annUser = show(await create('ann', 'users', ann), 201);
const twin = show(await create('ben', 'users', { email: ann.email.toUpperCase(), username: `ben-${run}` }), 409, {
  ...duplicate,
  constraint: 'email',
  field: 'email',
  existing: holder(annUser),
});
console.log(`    message: ${twin.body.message}`);
assert.match(twin.body.message, /^A user with email '.+' already exists$/);

// A form wants to mark every field that is taken, not only the first.
const benUser = show(await create('ben', 'users', { email: `ben-${run}@example.com`, username: `ben-${run}` }), 201);
const both = show(await create('carol', 'users', { email: ann.email, username: `ben-${run}` }), 409, duplicate);
for (const { field, existing, message } of both.body.violations)
  console.log(`    ${field} is held by ${existing.id}: ${message}`);
const violation = Object.fromEntries(both.body.violations.map((violation) => [violation.constraint, violation]));
assert.deepEqual(Object.keys(violation).toSorted(), ['email', 'username']);
assert.deepEqual([violation.email.field, violation.email.existing], ['email', holder(annUser)]);
assert.deepEqual([violation.username.field, violation.username.existing], ['username', holder(benUser)]);

// Changes are checked like creations. A document does not conflict with itself.
const rename = { username: ann.username };
show(await send('ben', 'PATCH', benUser.href, mergePatch(benUser.tag, rename)), 409, {
  field: 'username',
  existing: holder(annUser),
});
show(await send('ann', 'PATCH', annUser.href, mergePatch(annUser.tag, { name: 'Ann' })), 200, {
  name: 'Ann',
  email: ann.email,
});

console.log('\n== SKU ==\n');
const lamp = show(await create('ann', 'products', { sku: `LAMP-${run}`, name: 'Lamp' }), 201);
show(await create('ben', 'products', { sku: `LAMP-${run}`, name: 'Torch' }), 409, {
  ...duplicate,
  field: 'sku',
  existing: holder(lamp),
});

console.log('\n== A compound key ==\n');
const red = `red-${run}`;
const member = show(await create('ann', 'memberships', { team: red, user: 'ann', role: 'owner' }), 201);
show(await create('ann', 'memberships', { team: `blue-${run}`, user: 'ann', role: 'guest' }), 201);
show(await create('ben', 'memberships', { team: red, user: 'ben', role: 'guest' }), 201);
show(await create('ben', 'memberships', { team: red, user: 'ann', role: 'guest' }), 409, {
  ...duplicate,
  constraint: 'team-and-user',
  fields: ['team', 'user'],
  existing: holder(member),
});

console.log('\n== A key that exists only while a condition holds ==\n');
const user = `ann-${run}`;
const home = show(await create('ann', 'addresses', { user, street: 'Elm St', primary: true }), 201);
show(await create('ann', 'addresses', { user, street: 'Oak St', primary: false }), 201);
const office = { user, street: 'Main St', primary: true };
const taken = {
  error: 'PrimaryAddressTaken',
  message: `${user} has a primary address already`,
  existing: holder(home),
};
show(await create('ann', 'addresses', office), 409, taken);
show(await send('ann', 'PATCH', home.href, mergePatch(home.tag, { primary: false })), 200); // this frees the key
show(await create('ann', 'addresses', office), 201);

console.log('\n== 32 people, one e-mail, at the same time ==\n');
const email = `prize-${run}@example.com`;
const answers = await Promise.all(
  Array.from({ length: 32 }, (_, n) => create(`person-${n}`, 'users', { email, username: `person-${n}-${run}` })),
);
const created = answers.filter(({ status }) => status === 201);
const refused = answers.filter(({ status }) => status === 409);
console.log(`${created.length} created, ${refused.length} refused, all naming the holder ${holder(created[0]).id}`);
assert.deepEqual([created.length, refused.length], [1, 31]);
for (const { body } of refused) assert.deepEqual([body.field, body.existing], ['email', holder(created[0])]);

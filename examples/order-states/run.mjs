// What may be done depends on the state: cancel a shipped order, add to a checked-out cart, change an archived project.
//
//     node run.mjs [http://127.0.0.1:4090]

import assert from 'node:assert/strict';

const base = process.argv[2] ?? process.env.DETENTE_URL ?? 'http://127.0.0.1:4090';
const run = crypto.randomUUID().slice(0, 8); // so that the script can be run again on the same data

/** One request by one party. Shows the request and its answer, and asserts every fact that is shown. */
async function send(who, method, path, { body, ...headers }, status, members = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { 'X-Actor': who, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const answer = { tag: response.headers.get('ETag'), body: await response.json() };
  console.log(`${who}: ${method} ${path}${body ? ` ${JSON.stringify(body)}` : ''} -> ${response.status}`);
  assert.equal(response.status, status, JSON.stringify(answer.body));
  for (const [name, expected] of Object.entries(members)) {
    console.log(`    ${name}: ${JSON.stringify(answer.body[name])}`);
    assert.deepEqual(answer.body[name], expected, name);
  }
  return answer;
}

const create = (who, path, body) => send(who, 'PUT', path, { body }, 201);
const patch = (who, path, tag, body, status, members) =>
  send(who, 'PATCH', path, { 'Content-Type': 'application/merge-patch+json', 'If-Match': tag, body }, status, members);
const stateConflict = { type: '/problems/state-conflict' };

console.log('== An order that skips a step ==\n');
const order = `/api/orders/order-${run}`;
const draft = await create('customer', order, { status: 'draft', total: 40 });
await patch('warehouse', order, draft.tag, { status: 'shipped' }, 409, {
  ...stateConflict,
  error: 'StateConflict',
  rule: 'lifecycle',
  current_state: 'draft',
  allowed_transitions: ['paid', 'cancelled'],
});
const paid = await patch('customer', order, draft.tag, { status: 'paid' }, 200, { status: 'paid' });

console.log('\n== One ships it while the other cancels it ==\n');
// Both saw a paid order, and from there both steps are allowed. The warehouse was first.
await patch('warehouse', order, paid.tag, { status: 'shipped' }, 200, { status: 'shipped' });
const { body: stale } = await patch('customer', order, paid.tag, { status: 'cancelled' }, 409, {
  type: '/problems/stale-version',
  error: 'UpdateConflict',
  conflicting_fields: ['status'],
  current: { status: 'shipped', total: 40 },
});

console.log('\n== Cancel an order that was shipped ==\n');
// A fresh tag does not help: now the state forbids it. Nor does `*`, the deliberate overwrite.
const shipped = { ...stateConflict, error: 'OrderAlreadyShipped', rule: 'OrderAlreadyShipped' };
const nowhere = { current_state: 'shipped', allowed_transitions: [] };
const message = `Order ${order.split('/').at(-1)} has already shipped`;
await patch('customer', order, stale.current_etag, { status: 'cancelled' }, 409, { ...shipped, ...nowhere, message });
await patch('customer', order, '*', { status: 'cancelled' }, 409, shipped);
await patch('customer', order, stale.current_etag, { total: 0 }, 409, shipped);
await send('customer', 'GET', order, {}, 200, { status: 'shipped', total: 40 });

console.log('\n== Add to a cart that was checked out ==\n');
const cart = `/api/carts/cart-${run}`;
const jsonPatch = { 'Content-Type': 'application/json-patch+json' };
const add = (item, tag) => ({ ...jsonPatch, 'If-Match': tag, body: [{ op: 'add', path: '/items/-', value: item }] });
const empty = await create('customer', cart, { status: 'open', items: [] });
const full = await send('customer', 'PATCH', cart, add('lamp', empty.tag), 200, { items: ['lamp'] });
const bought = await patch('customer', cart, full.tag, { status: 'checked-out' }, 200);
const closed = { ...stateConflict, error: 'CartCheckedOut', rule: 'CartCheckedOut' };
await send('partner', 'PATCH', cart, add('bulb', bought.tag), 409, closed);
await send('customer', 'GET', cart, {}, 200, { status: 'checked-out', items: ['lamp'] });

console.log('\n== Change a project that is archived ==\n');
const project = `/api/projects/project-${run}`;
const active = await create('ann', project, { status: 'active', name: 'Bridge' });
const archived = await patch('ann', project, active.tag, { status: 'archived' }, 200);
await patch('ben', project, archived.tag, { name: 'Tunnel' }, 409, {
  ...stateConflict,
  error: 'ProjectArchived',
  current_state: 'archived',
  allowed_transitions: ['active'],
});
// The refusal named the allowed step, so Ben takes it.
const reopened = await patch('ben', project, archived.tag, { status: 'active' }, 200);
await patch('ben', project, reopened.tag, { name: 'Tunnel' }, 200, { status: 'active', name: 'Tunnel' });

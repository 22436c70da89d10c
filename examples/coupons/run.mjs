// The same thing submitted twice: a coupon, a cart item, a double click. The second answer names what the first one created.
//
//     node run.mjs [http://127.0.0.1:4090]

import assert from 'node:assert/strict';
import { createServer, connect } from 'node:net';

const base = process.argv[2] ?? process.env.DETENTE_URL ?? 'http://127.0.0.1:4090';
const run = crypto.randomUUID().slice(0, 8); // so that the script can be run again on the same data

/** One request by one party. */
async function send(who, method, path, { body, through = base, ...headers }) {
  const response = await fetch(through + path, {
    method,
    headers: { 'X-Actor': who, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const answer = { who, method, path, sent: body, status: response.status, tag: response.headers.get('ETag') };
  answer.body = await response.json();
  answer.href = response.headers.has('Location') ? new URL(response.headers.get('Location'), base).pathname : undefined;
  answer.replayed = response.headers.get('Idempotent-Replayed');
  return answer;
}

/** Shows a request and its answer. Every fact that is shown is also asserted. */
function show(answer, status, members = {}) {
  const sent = answer.sent ? ` ${JSON.stringify(answer.sent)}` : '';
  console.log(`${answer.who}: ${answer.method} ${answer.path}${sent} -> ${answer.status}`);
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  for (const [name, expected] of Object.entries(members)) {
    console.log(`    ${name}: ${JSON.stringify(answer.body[name])}`);
    assert.deepEqual(answer.body[name], expected, name);
  }
  return answer;
}

const holder = ({ href }) => ({ id: href.split('/').at(-1), href });

console.log('== One coupon, redeemed twice ==\n');
const redeem = (customer, coupon) => send(customer, 'POST', '/api/redemptions', { body: { coupon, customer } });
const coupon = `SPRING-${run}`;
const redeemed = show(await redeem('ann', coupon), 201);
show(await redeem('ben', coupon), 201); // the key is the coupon together with the customer
show(await redeem('ann', coupon), 409, {
  type: '/problems/duplicate-entry',
  error: 'DuplicateEntry',
  constraint: 'once-per-customer',
  fields: ['coupon', 'customer'],
  message: `ann has redeemed ${coupon} already`,
  existing: holder(redeemed),
});

console.log('\n== A double click ==\n');
// Both requests are on their way before either is answered.
const clicks = await Promise.all([redeem('carol', coupon), redeem('carol', coupon)]);
const [first, second] = clicks.toSorted((one, other) => one.status - other.status);
show(first, 201);
show(second, 409, { error: 'DuplicateEntry', existing: holder(first) });

// The client need not show an error: what Carol asked for exists, and the refusal says where.
show(await send('carol', 'GET', second.body.existing.href, {}), 200, { coupon, customer: 'carol' });

console.log('\n== One product, put into the cart twice ==\n');
const cart = `cart-${run}`;
const put = (who, product) => send(who, 'POST', '/api/cart-items', { body: { cart, product, quantity: 1 } });
const lamp = show(await put('ann', 'lamp'), 201);
show(await put('ann', 'bulb'), 201);
const again = show(await put('ben', 'lamp'), 409, {
  type: '/problems/duplicate-entry',
  error: 'AlreadyInCart',
  message: 'lamp is in the cart already',
  existing: holder(lamp),
});

// Ben meant "one more": he follows `href` to the item and raises its quantity, provided that nobody else has just done so.
const { href } = again.body.existing;
const item = show(await send('ben', 'GET', href, {}), 200, { quantity: 1 });
const oneMore = {
  'Content-Type': 'application/merge-patch+json',
  'If-Match': item.tag,
  body: { quantity: item.body.quantity + 1 },
};
show(await send('ben', 'PATCH', href, oneMore), 200, { product: 'lamp', quantity: 2 });

console.log('\n== The same request, sent twice under one key ==\n');
// Nothing in an order makes it unique: two equal orders are two orders. So the request gets a key.
const order = { cart, total: 40 };
const key = `"${crypto.randomUUID()}"`;
const placeOrder = (more = {}) => send('ann', 'POST', '/api/orders', { 'Idempotency-Key': key, body: order, ...more });
const placed = show(await placeOrder(), 201);
const repeated = show(await placeOrder(), 201);
console.log(`    Idempotent-Replayed: ${repeated.replayed}, and the same Location`);
assert.deepEqual([placed.replayed, repeated.replayed], [null, 'true']);
assert.deepEqual([repeated.href, repeated.tag, repeated.body], [placed.href, placed.tag, placed.body]);

// A key stands for one request. Sending it with another body is a mistake of the client.
show(await placeOrder({ body: { cart, total: 50 } }), 422, { error: 'IdempotencyKeyReuse', header: 'Idempotency-Key' });
// A key belongs to one caller: Ben happens to use the same one, and gets his own order.
const bens = show(await send('ben', 'POST', '/api/orders', { 'Idempotency-Key': key, body: order }), 201);
assert.notEqual(bens.href, placed.href);

console.log('\n== The answer is lost on its way ==\n');
/** A connection that breaks as soon as the server begins to answer, so the client does not know what happened. */
async function breakingConnection() {
  const { hostname, port } = new URL(base);
  const proxy = createServer((client) => {
    const server = connect(port, hostname);
    client.pipe(server);
    server.once('data', () => client.destroy());
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      one.on('error', () => {}); // `close` closes the other end
      one.on('close', () => other.destroy());
    }
  });
  await new Promise((listening) => proxy.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${proxy.address().port}`, close: () => proxy.close() };
}

const credit = `/api/credits/${run}-ann`;
await send('shop', 'PUT', credit, { body: { customer: 'ann', points: 5 } });
const { tag, body: before } = await send('ann', 'GET', credit, {});
const earn = {
  'If-Match': tag,
  'Idempotency-Key': `"${crypto.randomUUID()}"`,
  body: { ...before, points: before.points + 1 },
};
const broken = await breakingConnection();
await assert.rejects(send('ann', 'PUT', credit, { ...earn, through: broken.url }), TypeError);
console.log(`ann: PUT ${credit} ${JSON.stringify(earn.body)} -> no answer`);
broken.close();

// Her point was stored, and Ben has earned another one since. Without the key Ann would learn only that her tag is stale, and
// could only guess whether one of the points is hers. With the key she gets the lost answer, and her point is counted once.
const hers = await send('ben', 'GET', credit, {});
assert.equal(hers.body.points, 6);
await send('ben', 'PUT', credit, { 'If-Match': hers.tag, body: { ...hers.body, points: 7 } });
const found = show(await send('ann', 'PUT', credit, earn), 200, { points: 6 });
assert.equal(found.replayed, 'true');
show(await send('ann', 'GET', credit, {}), 200, { points: 7 });
const { 'Idempotency-Key': _, ...without } = earn;
show(await send('ann', 'PUT', credit, without), 409, { error: 'UpdateConflict', your_version: 1, current_version: 3 });

console.log('\nWhat was sent twice was done once.');

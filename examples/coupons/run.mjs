// The same thing submitted twice: a coupon, a cart item, a double click. The second answer names what the first one made.
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
  const answer = { who, method, path, sent: body, status: response.status, tag: response.headers.get('ETag') };
  answer.body = await response.json();
  answer.href = response.headers.has('Location') ? new URL(response.headers.get('Location'), base).pathname : undefined;
  return answer;
}

/** Tells what one party did and was answered. Every fact that is shown is asserted. */
function tell(answer, status, members = {}) {
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
const redeemed = tell(await redeem('ann', coupon), 201);
tell(await redeem('ben', coupon), 201); // the key is the coupon together with the customer
tell(await redeem('ann', coupon), 409, {
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
tell(first, 201);
tell(second, 409, { error: 'DuplicateEntry', existing: holder(first) });

// The one who clicked need not be told about an error: what was asked for is there, and the refusal says where.
tell(await send('carol', 'GET', second.body.existing.href, {}), 200, { coupon, customer: 'carol' });

console.log('\n== One product, put into the cart twice ==\n');
const cart = `cart-${run}`;
const put = (who, product) => send(who, 'POST', '/api/cart-items', { body: { cart, product, quantity: 1 } });
const lamp = tell(await put('ann', 'lamp'), 201);
tell(await put('ann', 'bulb'), 201);
const again = tell(await put('ben', 'lamp'), 409, {
  type: '/problems/duplicate-entry',
  error: 'AlreadyInCart',
  message: 'lamp is in the cart already',
  existing: holder(lamp),
});

// Ben meant "one more": he follows `href` to the item and raises its quantity, on condition that nobody else just did.
const { href } = again.body.existing;
const item = tell(await send('ben', 'GET', href, {}), 200, { quantity: 1 });
const oneMore = {
  'Content-Type': 'application/merge-patch+json',
  'If-Match': item.tag,
  body: { quantity: item.body.quantity + 1 },
};
tell(await send('ben', 'PATCH', href, oneMore), 200, { product: 'lamp', quantity: 2 });

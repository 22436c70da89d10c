// Two customers and one last item; then 32 customers and five items. Nothing is oversold.
//
//     node run.mjs [http://127.0.0.1:4090]

import assert from 'node:assert/strict';

const base = process.argv[2] ?? process.env.DETENTE_URL ?? 'http://127.0.0.1:4090';
const run = crypto.randomUUID().slice(0, 8); // so that the script can be run again on the same data

/** One request by one customer. */
async function send(who, method, path, { body, ...headers } = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { 'X-Actor': who, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const version = Number(response.headers.get('Document-Version'));
  return { who, status: response.status, tag: response.headers.get('ETag'), version, body: await response.json() };
}

/** Takes one item. Returns the 200, or the refusal after which there is no point in trying again. */
async function take(who, path) {
  let { body: product, tag } = await send(who, 'GET', path);
  for (let tries = 1; ; tries++) {
    const answer = await send(who, 'PUT', path, { 'If-Match': tag, body: { ...product, stock: product.stock - 1 } });
    if (answer.body.error !== 'UpdateConflict') return { ...answer, tries };

    // Somebody else has taken one since we looked. The refusal contains the current stock, and the tag to retry with. We count
    // from `current`, not from `merged`: two customers who both wrote 4 instead of 5 agree on the 4, but two items are gone.
    product = answer.body.current;
    tag = answer.body.current_etag;
  }
}

console.log('== Two customers, one last item ==\n');
const lamp = `/api/products/lamp-${run}`;
await send('shop', 'PUT', lamp, { body: { name: 'Lamp', stock: 1 } });

// Both see one lamp. Both send the same request, byte for byte, and at the same time: set the stock to 0 in the version I saw.
const { tag } = await send('shop', 'GET', lamp);
const buy = { 'If-Match': tag, body: { name: 'Lamp', stock: 0 } };
const answers = await Promise.all([send('ann', 'PUT', lamp, buy), send('ben', 'PUT', lamp, buy)]);
const [winner, loser] = answers.toSorted((one, other) => one.status - other.status);
console.log(`${winner.who}: ${winner.status}, the lamp is yours`);
console.log(`${loser.who}: ${loser.status} ${loser.body.error}: ${loser.body.message}`);
assert.deepEqual([winner.status, winner.version], [200, 2]);
assert.deepEqual([loser.status, loser.body.type, loser.body.error], [409, '/problems/stale-version', 'UpdateConflict']);
assert.deepEqual(loser.body.current, { name: 'Lamp', stock: 0 });
assert.equal(loser.body.changes_since[0].by, winner.who);

// The loser tries again with what is there now, and gets the reason.
const retry = {
  'If-Match': loser.body.current_etag,
  body: { ...loser.body.current, stock: loser.body.current.stock - 1 },
};
const refused = await send(loser.who, 'PUT', lamp, retry);
console.log(`${loser.who}: ${refused.status} ${refused.body.error}: ${refused.body.message}`);
assert.deepEqual([refused.status, refused.body.type], [409, '/problems/state-conflict']);
assert.deepEqual([refused.body.error, refused.body.rule], ['OutOfStock', 'OutOfStock']);
assert.equal(refused.body.message, `Product ${lamp.split('/').at(-1)} is out of stock`);

console.log('\n== 32 customers, five items ==\n');
const chair = `/api/products/chair-${run}`;
await send('shop', 'PUT', chair, { body: { name: 'Chair', stock: 5 } });

const outcomes = await Promise.all(Array.from({ length: 32 }, (_, n) => take(`customer-${n + 1}`, chair)));
const takers = outcomes.filter(({ status }) => status === 200).toSorted((one, other) => one.version - other.version);
const others = outcomes.filter(({ status, body }) => status === 409 && body.error === 'OutOfStock');
for (const { who, body, tries } of takers) console.log(`${who}: has one after ${tries} attempts, ${body.stock} left`);
console.log(`the other ${others.length}: 409 OutOfStock`);
assert.deepEqual([takers.length, others.length], [5, 27]);
assert.deepEqual(
  takers.map(({ body }) => body.stock),
  [4, 3, 2, 1, 0],
);
// An attempt is refused as stale only if somebody took an item meanwhile, and that can happen five times.
for (const { who, tries } of outcomes) assert.ok(tries <= 6, `${who} made ${tries} attempts`);

const left = await send('shop', 'GET', chair);
const history = (await send('shop', 'GET', `${chair}/versions`)).body.items;
const writers = history.map((item) => item.updated_by);
console.log(
  `stock: ${left.body.stock}, after ${left.version - 1} writes, newest first by ${writers.slice(0, 5).join(', ')}`,
);
assert.deepEqual([left.body.stock, left.version], [0, 6]);
assert.deepEqual(writers, [...takers.map(({ who }) => who).reverse(), 'shop']);

/**
 * Keeps the number and the sum of all orders in one document, `reports/orders`, while people place, change and cancel them.
 *
 *     node totals.mjs
 *
 * The report says how far in the feed it has got, and both are one write. So nothing is counted twice and nothing is left
 * out, wherever the program is interrupted. Amounts are whole cents.
 */
import { Client, ConflictError } from 'detente-client';

const client = new Client({ url: process.env.DETENTE_URL ?? 'http://127.0.0.1:4090', actor: 'totals' });
const orders = client.collection('orders');
const reports = client.collection('reports');

const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => ended.abort());

let place = await begin();
console.log(`counting from ${place}`);
for await (const change of orders.watch({ since: place, signal: ended.signal })) {
  if (change.kind === 'open') continue;
  const counted = change.kind === 'reset' ? undefined : await differenceOf(change.row);
  // Made again on a newer version, if somebody writes to the report at the same moment.
  const { value } = await reports.update('orders', (report) => {
    if (report.place !== place) throw new Error('Another program counts into the same report.');
    // An older copy of the store was put back: everything is told from the beginning.
    report.count = counted ? report.count + counted.count : 0;
    report.sum = counted ? report.sum + counted.sum : 0;
    report.place = change.place;
  });
  place = change.place;
  console.log(`${value.count} orders, ${value.sum} cents`);
}

/** Where the report has got to, in the feed of the orders. */
async function begin() {
  try {
    await reports.create({ count: 0, sum: 0, place: '0' }, { id: 'orders' });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
  const report = await reports.get('orders');
  return report.value.place;
}

/** What one version of an order changes: it, less the version before. A deletion has no document. */
async function differenceOf({ id, version, doc }) {
  const before = version > 1 ? await orders.version(id, version - 1) : undefined;
  return {
    count: Number(doc !== undefined) - Number(before !== undefined),
    sum: (doc?.value.amount ?? 0) - (before?.value.amount ?? 0),
  };
}

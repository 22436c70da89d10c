import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from 'detente-client';
import { randomFrom } from '../test/network.mjs';
import { serverFor, until } from '../test/server.mjs';

const program = fileURLToPath(new URL('totals.mjs', import.meta.url));
const configuration = await readFile(new URL('detente.toml', import.meta.url), 'utf8');

test('every order is counted once, however often the service is killed', async (t) => {
  const { url } = await serverFor(t, configuration);
  const client = new Client({ url, actor: 'shop' });
  const [orders, reports] = [client.collection('orders'), client.collection('reports')];
  const random = randomFrom(7);
  const amounts = new Map();

  async function trade() {
    const known = [...amounts.keys()];
    const id = known[Math.floor(random() * known.length)];
    const amount = Math.floor(random() * 10_000);
    const act = random();
    if (!id || act < 0.6) amounts.set((await orders.create({ amount })).id, amount);
    else if (act < 0.85) {
      await orders.update(id, (order) => void (order.amount = amount));
      amounts.set(id, amount);
    } else {
      await orders.delete(id, { ifMatch: '*' });
      amounts.delete(id);
    }
  }

  const service = new Service(url, () => 4 + Math.floor(random() * 8));
  t.after(() => service.stop());
  for (let count = 0; count < 40; count++) await trade();
  await until(() => reports.get('orders'), 'the report');
  // A person writes into the same document.
  await reports.update('orders', (report) => void (report.remark = 'for the board'));
  for (let count = 0; count < 20; count++) await trade();

  const sum = [...amounts.values()].reduce((total, amount) => total + amount, 0);
  let report;
  const isCounted = async () => {
    report = (await reports.get('orders')).value;
    return report.count === amounts.size && report.sum === sum;
  };
  await until(isCounted, `${amounts.size} orders and ${sum} cents`, 30_000).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(report)}`));
  await service.stop();
  assert.equal(report.remark, 'for the board');
  assert.ok(service.killed >= 2, `killed ${service.killed} times`);
});

/** Runs the program, and kills it again and again after some lines: in the middle of its work, not at an end of it. */
class Service {
  killed = 0;
  #isOver = false;

  constructor(url, linesOf) {
    this.ended = this.#run(url, linesOf);
  }

  async #run(url, linesOf) {
    while (!this.#isOver) {
      const env = { ...process.env, DETENTE_URL: url };
      const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      this.child = child;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      let left = linesOf();
      createInterface(child.stdout).on('line', () => {
        if (--left === 0 && !this.#isOver && child.kill('SIGKILL')) this.killed++;
      });
      await ended;
    }
  }

  async stop() {
    this.#isOver = true;
    this.child.kill('SIGTERM');
    await this.ended;
  }
}

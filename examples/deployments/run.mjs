// One deployment in progress for each environment. A second one is refused, and the refusal names the first.
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

const deploy = (who, environment, revision) =>
  send(who, 'POST', '/api/deployments', { body: { environment, revision, status: 'pending' } });
const becomes = (who, { href, tag }, status) =>
  send(who, 'PATCH', href, { 'Content-Type': 'application/merge-patch+json', 'If-Match': tag, body: { status } });
const holder = ({ href }) => ({ id: href.split('/').at(-1), href });
const staging = `staging-${run}`;
const production = `production-${run}`;

console.log('== Two deployments to one environment ==\n');
const first = show(await deploy('ann', staging, 'a1'), 201);
const inProgress = {
  type: '/problems/duplicate-entry',
  error: 'DeploymentInProgress',
  constraint: 'one-in-progress',
  message: `A deployment to ${staging} is in progress`,
  existing: holder(first),
};
show(await deploy('ben', staging, 'b2'), 409, inProgress);
show(await deploy('ben', production, 'b2'), 201); // another environment is another key

// A running deployment is still in progress. A finished one is not, so the next one may start.
const running = show(await becomes('ann', first, 'running'), 200);
show(await deploy('ben', staging, 'b2'), 409, inProgress);
const finished = show(await becomes('ann', { ...running, href: first.href }, 'succeeded'), 200);
const next = show(await deploy('ben', staging, 'b2'), 201);

// The condition is checked on every write: the old deployment cannot be restarted beside the new one.
const restarted = await becomes('ann', { ...finished, href: first.href }, 'running');
show(restarted, 409, { error: 'DeploymentInProgress', existing: holder(next) });

console.log('\n== 16 pipelines, one environment, at the same time ==\n');
const answers = await Promise.all(
  Array.from({ length: 16 }, (_, n) => deploy(`pipeline-${n + 1}`, `preview-${run}`, `c${n + 1}`)),
);
const started = answers.filter(({ status }) => status === 201);
const refused = answers.filter(({ status }) => status === 409);
assert.deepEqual([started.length, refused.length], [1, 15]);
console.log(`${started[0].who} deploys; ${refused.length} are refused, since ${holder(started[0]).id} is in progress`);
for (const { body } of refused)
  assert.deepEqual([body.error, body.existing], ['DeploymentInProgress', holder(started[0])]);

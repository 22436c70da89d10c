import assert from "node:assert/strict";
import test from "node:test";

import { auditServer, serverAudits } from "graphql-http";

import { Server } from "./support.mjs";

const server = await Server.start();
const options = { url: server.graphql, fetchFn: fetch };
const audits = serverAudits(options);

test("there are 61 audits of GraphQL over HTTP", () => {
  assert.equal(audits.length, 61);
});

for (const audit of audits) {
  test(`audit ${audit.id}: ${audit.name}`, async () => {
    const result = await audit.fn();
    assert.equal(result.status, "ok", `${result.status}: ${result.reason}`);
  });
}

test("all audits together find nothing, be it a must, a should or a may", async () => {
  const results = await auditServer(options);
  assert.equal(results.length, 61);
  const others = results.filter((result) => result.status !== "ok");
  assert.deepEqual(
    others.map(({ id, name, status, reason }) => ({ id, name, status, reason })),
    [],
  );
});

// Two servers on one database, and one of them is killed while clients write.
//
// usage: node kill.mjs postgres://USER@HOST:PORT/DATABASE

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CLIENTS = 8;
const WRITES = 300;

const [store] = process.argv.slice(2);
assert(store, "usage: node kill.mjs postgres://USER@HOST:PORT/DATABASE");

/** Starts a server on a free port, and waits for the line that says where it listens. */
async function start() {
  const data = mkdtempSync(join(tmpdir(), "several-nodes-"));
  const flags = ["serve", "--listen", "127.0.0.1:0", "--data", data, "--log", "error"];
  const env = { ...process.env, DETENTE_STORE: store };
  const server = spawn(process.env.DETENTE ?? "detente", flags, { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  let said = "";
  for await (const text of server.stdout) {
    said += text;
    const found = /http:\/\/[^, ]+/.exec(said);
    if (found && said.includes("\n")) {
      const end = async (signal) => {
        server.kill(signal);
        await ended;
        rmSync(data, { recursive: true });
      };
      return { counter: `${found[0]}/api/counters/1`, end };
    }
  }
  throw new Error("the server did not start");
}

const json = { "Content-Type": "application/json" };
const acknowledged = new Set();
const unanswered = new Set();
let nodes = [];

/** Reads at one server, adds one, and writes at the other. Each write has a mark of its own. */
async function increment(client, number) {
  const mark = `${client}-${number}`;
  const [reader, writer] = number % 2 ? nodes : nodes.toReversed();
  const read = await fetch(reader.counter);
  const { n } = await read.json();
  const headers = { ...json, "If-Match": read.headers.get("ETag") };
  unanswered.add(mark);
  const written = await fetch(writer.counter, { method: "PUT", headers, body: JSON.stringify({ n: n + 1, mark }) });
  await written.text();
  if (written.ok) acknowledged.add(mark);
  else assert(written.status === 409 || written.status === 503, `${written.status}`);
  unanswered.delete(mark);
}

async function client(name) {
  for (let number = 0; acknowledged.size < WRITES; number++) {
    try {
      await increment(name, number);
    } catch (error) {
      // The connection broke, or nobody listens there any more.
      if (error instanceof assert.AssertionError) throw error;
    }
  }
}

nodes = [await start(), await start()];
try {
  const body = JSON.stringify({ n: 0 });
  const created = await fetch(nodes[0].counter, { method: "PUT", headers: { ...json, "If-None-Match": "*" }, body });
  assert.equal(created.status, 201, "the database must be empty");

  const clients = Array.from({ length: CLIENTS }, (_, name) => client(name));
  while (acknowledged.size < WRITES / 2) await new Promise((resolve) => setTimeout(resolve, 10));
  const [killed, other] = nodes;
  await killed.end("SIGKILL");
  const before = acknowledged.size;
  nodes = [other, other];
  await Promise.all(clients);

  const { n } = await (await fetch(other.counter)).json();
  const marks = [];
  for (let page = `${other.counter}/versions?limit=500`; page; ) {
    const { items, next } = await (await fetch(page)).json();
    marks.push(...items.map((item) => item.data.mark).filter(Boolean));
    page = next && `${other.counter}/versions?limit=500&cursor=${next}`;
  }
  assert.equal(n, marks.length, "every version added one");
  assert.equal(new Set(marks).size, marks.length, "no write was performed twice");
  for (const mark of acknowledged) assert(marks.includes(mark), `${mark} was acknowledged, and is lost`);
  const open = marks.filter((mark) => !acknowledged.has(mark));
  for (const mark of open) assert(unanswered.has(mark), `${mark} was refused, and is stored`);
  console.log(`${before} writes were acknowledged when one server was killed, ${acknowledged.size} in the end`);
  console.log(`the counter is ${n}: ${open.length} more were performed whose answer was cut off`);
} finally {
  for (const node of new Set(nodes)) await node.end("SIGTERM").catch(() => {});
}

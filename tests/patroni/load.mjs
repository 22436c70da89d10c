// Clients that write by way of two servers, while somebody else kills the leader of their database. It says `ready` when
// a leader may be killed, and reads a line when that was done.
//
// usage: node load.mjs URL ROUNDS

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";

const CLIENTS = 8;
const DOCUMENTS = 4;
/** How many writes make a round. */
const WRITES = 200;

const [store, rounds] = process.argv.slice(2);

async function start() {
  const data = mkdtempSync(join(tmpdir(), "patroni-"));
  const flags = ["serve", "--listen", "127.0.0.1:0", "--data", data, "--log", "error"];
  const env = { ...process.env, DETENTE_STORE: store };
  const server = spawn(process.env.DETENTE, flags, { env, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  for await (const text of server.stdout) {
    said += text;
    const found = /http:\/\/[^, ]+/.exec(said);
    if (found && said.includes("\n")) {
      return { url: found[0], end: () => (server.kill(), rmSync(data, { recursive: true, force: true })) };
    }
  }
  throw new Error("the server did not start");
}

const json = { "Content-Type": "application/json" };
const acknowledged = new Map();
const refused = new Set();
const counts = { away: 0, unknown: 0, cut: 0, stale: 0 };
let longest = 0;
let last = Date.now();
let isOver = false;

async function edit(nodes, client, number) {
  const mark = `${client}-${number}`;
  const path = `/api/counters/${number % DOCUMENTS}`;
  const [reader, writer] = number % 2 ? nodes : nodes.toReversed();
  const read = await fetch(reader.url + path);
  const body = await read.text();
  if (read.status === 503) return void (await new Promise((resolve) => setTimeout(resolve, 20)));
  const known = read.status === 200 ? { "If-Match": read.headers.get("ETag") } : { "If-None-Match": "*" };
  const n = read.status === 200 ? JSON.parse(body).n : 0;
  let written, said;
  try {
    const asked = { method: "PUT", headers: { ...json, ...known }, body: JSON.stringify({ n: n + 1, mark }) };
    written = await fetch(writer.url + path, asked);
    said = await written.text();
  } catch {
    counts.cut += 1;
    return;
  }
  if (written.ok) {
    acknowledged.set(mark, written.headers.get("ETag"));
    longest = Math.max(longest, Date.now() - last);
    last = Date.now();
  } else if (written.status === 503 && JSON.parse(said).outcome === "unknown") {
    counts.unknown += 1;
  } else {
    assert([409, 412, 503].includes(written.status), `${written.status} ${said}`);
    counts[written.status === 503 ? "away" : "stale"] += 1;
    refused.add(mark);
  }
}

async function client(nodes, name) {
  for (let number = 0; !isOver; number++) await edit(nodes, name, number);
}

/** All versions of a document, the newest first. */
async function versions(url) {
  const all = [];
  for (let page = `${url}/versions?limit=500`; page; ) {
    const { items, next } = await (await fetch(page)).json();
    all.push(...items);
    page = next && `${url}/versions?limit=500&cursor=${next}`;
  }
  return all;
}

const orders = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const nodes = [await start(), await start()];
try {
  const clients = Array.from({ length: CLIENTS }, (_, name) => client(nodes, name));
  const failed = Promise.all(clients);
  failed.catch(() => {});
  const written = async (count) => {
    const enough = acknowledged.size + count;
    while (acknowledged.size < enough) {
      await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 50))]);
      assert(Date.now() - last < 120_000, "nobody could write for two minutes");
    }
  };
  for (let round = 0; round < Number(rounds); round++) {
    await written(WRITES);
    console.log("ready");
    await orders.next();
  }
  await written(WRITES);
  isOver = true;
  await failed;

  const stored = new Map();
  for (let document = 0; document < DOCUMENTS; document++) {
    const all = await versions(`${nodes[0].url}/api/counters/${document}`);
    assert.equal(all[0].data.n, all.length, "every version added one");
    for (const { data, etag } of all) {
      assert(!stored.has(data.mark), `${data.mark} was performed twice`);
      stored.set(data.mark, etag);
    }
  }
  for (const [mark, etag] of acknowledged) {
    assert.equal(stored.get(mark), etag, `${mark} was acknowledged, and is lost or another`);
  }
  for (const mark of refused) assert(!stored.has(mark), `${mark} was refused, and is stored`);
  const { away, unknown, cut, stale } = counts;
  console.log(
    `${rounds} leaders killed: ${acknowledged.size} writes acknowledged, 0 lost, 0 twice; ${stale} stale, ` +
      `${away} refused while the database was away, ${unknown} unknown, ${cut} cut off; ` +
      `${stored.size - acknowledged.size} of the unknown were performed; nobody could write for ${longest} ms at most`,
  );
} finally {
  nodes.forEach((node) => node.end());
}
process.exit(0);

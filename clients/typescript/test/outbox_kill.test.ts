/** A program that is killed at any moment, with what it saves kept in a folder. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Client } from "../dist/index.js";
import { Folder } from "../dist/outbox/folder.js";
import { Outbox } from "../dist/outbox/index.js";
import { Proxy } from "./proxy.js";
import { folder, Server } from "./server.js";
import { seeded, until, versions } from "./tools.js";

interface Log {
  lines: number[];
  /** How many lines there are: the server adds up what is merged, so a write that came twice counts twice. */
  count: number;
  others: number;
}

test("killed fifty times: nothing is lost, nothing is applied twice, and the order stays", async () => {
  const random = seeded(Number(process.env["SEED"] ?? 1));
  const server = await Server.start(`[collections.logs.merge]\n"/others" = "counter"\n"/count" = "counter"\n`);
  const proxy = await Proxy.before(() => server.port);
  const near = new Client({ url: server.url, actor: "bob" });
  const logs = near.collection<Log>("logs");
  const ids = ["d0", "d1", "d2"];
  for (const id of ids) await logs.create({ lines: [], count: 0, others: 0 }, { id });
  const path = await folder();
  const script = fileURLToPath(new URL("outbox_child.js", import.meta.url));
  const kept: number[] = [];
  let next = 0;
  /** How long a save takes on this machine: a program is killed somewhere within one. */
  let saveMs = 20;
  let interrupted = 0;
  for (let round = 0; round < 50; round++) {
    if (round % 3 === 1) proxy.next({ kind: "cut", direction: round % 2 ? "answer" : "request", after: Math.floor(random() * 900) });
    const child = spawn(process.execPath, [script, proxy.url, path, String(next)], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    const ended = once(child.stdout, "close");
    const before = kept.length;
    let begunAt = 0;
    createInterface(child.stdout).on("line", (line) => {
      const [what, n] = line.split(" ");
      if (what === "begun") {
        next = Number(n) + 1;
        begunAt = performance.now();
      }
      if (what === "kept") {
        kept.push(Number(n));
        saveMs = performance.now() - begunAt;
      }
    });
    await once(child.stdout, "data");
    await logs.update(ids[round % 3] as string, (log) => void log.others++);
    // So many saves are waited for, however slow the machine is, and then a part of one more.
    const saves = Math.floor(random() * 4);
    await until("so many are kept", () => kept.length - before >= saves);
    await pause(random() * 2 * saveMs);
    child.kill("SIGKILL");
    await Promise.all([exited, ended]);
    if (kept.at(-1) !== next - 1) interrupted++;
    proxy.clear();
  }
  assert(kept.length >= 50, `${kept.length} were kept`);
  assert(interrupted >= 10, `${interrupted} were killed in the middle of a save`);
  const outbox = new Outbox(new Client({ url: server.url, actor: "alice" }), new Folder(path));
  await until("all is sent", async () => {
    await outbox.flush();
    return (await outbox.waiting()).length === 0;
  });
  const stored: number[] = [];
  let others = 0;
  for (const id of ids) {
    const log = (await logs.get(id))?.value as Log;
    stored.push(...log.lines);
    others += log.others;
    assert.deepEqual(log.lines, [...new Set(log.lines)].sort((a, b) => a - b), `${id}: twice, or out of order`);
    assert.equal(log.count, log.lines.length, `${id}: counted twice, or not at all`);
    // No version took back a line of the one before.
    for (const [index, version] of (await versions<Log>(near, "logs", id)).entries()) {
      assert.deepEqual(version?.lines, log.lines.slice(0, version?.lines.length), `${id}, version ${index + 1}`);
    }
  }
  for (const n of kept) assert(stored.includes(n), `${n} is lost`);
  assert.equal(others, 50);
});

/** A program that saves line after line, until it is killed: node outbox_child.js URL FOLDER FIRST */
import { Client } from "../dist/index.js";
import { Folder } from "../dist/outbox/folder.js";
import { Outbox } from "../dist/outbox/index.js";

const [url = "", folder = "", first = "0"] = process.argv.slice(2);
const client = new Client({ url, actor: "alice", retry: { firstMs: 1, capMs: 5 } });
const outbox = new Outbox(client, new Folder(folder), { patienceMs: 20 });

process.stdout.write("ready\n");
for (let n = Number(first); ; n++) {
  const id = `d${n % 3}`;
  const draft = await outbox.edit<{ lines: number[]; count: number }>("logs", id);
  draft.change((log) => {
    log.lines.push(n);
    log.count++;
  });
  process.stdout.write(`begun ${n}\n`);
  await outbox.save(draft);
  process.stdout.write(`kept ${n}\n`);
}

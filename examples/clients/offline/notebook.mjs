/**
 * A notebook that works without a network: what is written goes to a folder first, and to the server when it can be reached.
 *
 *     node notebook.mjs write plan title "The plan"     writes a member of a note
 *     node notebook.mjs send                            sends what waits
 *     node notebook.mjs waiting                         shows what waits, and what is held
 *     node notebook.mjs resolve plan yours              decides a conflict: yours, or current
 *
 * `DETENTE_URL` is the server, `OUTBOX` the folder, `ACTOR` who writes.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, TransportError } from 'detente-client';
import { Folder } from 'detente-client/node';
import { Outbox } from 'detente-client/outbox';

const { DETENTE_URL = 'http://127.0.0.1:4090', OUTBOX = 'outbox', ACTOR = 'somebody' } = process.env;

// Without a network the outbox keeps the write: to wait long for an answer helps nobody.
const client = new Client({ url: DETENTE_URL, actor: ACTOR, retry: { withinMs: 500 } });
const notes = client.collection('notes');
const outbox = new Outbox(client, new Folder(OUTBOX), { patienceMs: 1_000 });

async function write(id, member, text) {
  const { kind } = await save(await draftOf(id), id, member, text);
  console.log({ queued: 'Kept here, to be sent.', conflict: 'Held: it collides with what somebody saved.' }[kind] ?? 'Saved.');
}

async function save(draft, id, member, text) {
  if (!draft) return outbox.create('notes', id, { [member]: text });
  draft.change((note) => void (note[member] = text));
  const saved = await outbox.save(draft);
  await keep(draft);
  return saved;
}

/** The note as it waits here, as the server has it, or as it was when it was last seen; `undefined` if there is none. */
async function draftOf(id) {
  try {
    const draft = await outbox.edit('notes', id);
    await keep(draft);
    return draft;
  } catch (error) {
    if (error.problem?.status === 404) return undefined;
    if (!(error instanceof TransportError)) throw error;
    const base = await kept(id);
    return base && notes.resume({ id, base, value: JSON.parse(base.text) });
  }
}

/** The outbox keeps what is written. What was read is kept here, so that an edit can begin from it offline. */
async function keep(draft) {
  await mkdir(join(OUTBOX, 'seen'), { recursive: true });
  await writeFile(`${seen(draft.id)}.new`, JSON.stringify(draft.record().base));
  await rename(`${seen(draft.id)}.new`, seen(draft.id));
}

async function kept(id) {
  const text = await readFile(seen(id), 'utf8').catch(() => undefined);
  return text && JSON.parse(text);
}

const seen = (id) => join(OUTBOX, 'seen', encodeURIComponent(id));

async function send() {
  try {
    await outbox.flush();
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    console.log('The server cannot be reached.');
  }
  await waiting();
}

async function waiting() {
  const queues = await outbox.waiting();
  for (const { id, entries, held } of queues) console.log(`${id}: ${entries.length} waiting${held ? `, held: ${held.kind}` : ''}`);
  if (queues.length === 0) console.log('Nothing waits.');
}

async function resolve(id, choice) {
  const conflict = await outbox.conflict('notes', id);
  if (!conflict) return outbox.retry('notes', id);
  for (const { path, base, yours, current, by } of conflict.fields) {
    console.log(`${path}: it was “${base}”, ${by} wrote “${current}”, you wrote “${yours}”`);
  }
  const choices = Object.fromEntries(conflict.fields.map(({ path }) => [path, choice]));
  const { kind } = await outbox.resolve('notes', id, choices, { current: conflict.theirs?.etag });
  console.log(kind === 'conflict' ? 'Somebody saved in the meantime: look again.' : 'Saved.');
}

const [command, ...words] = process.argv.slice(2);
await { write, send, waiting, resolve }[command](...words);
// What was given up waiting for may be under way; it is kept in the folder.
process.exit();

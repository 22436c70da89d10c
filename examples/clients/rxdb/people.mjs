/** People who write notes on devices that lose the network, and what must not get lost of it. */
import { deepEqual } from 'rxdb/plugins/core';
import { until } from '../test/server.mjs';
import { Network } from '../test/network.mjs';
import { openNotes } from './notes.mjs';

const RETRY = { firstMs: 5, capMs: 50, withinMs: 200 };

/** A device: a database, its replication, and a network that can be unplugged. */
export async function openDevice(name, url, network = new Network()) {
  const headers = { 'X-Actor': name };
  const opened = await openNotes(`${name}-${crypto.randomUUID()}`, { url, headers, fetch: network.fetch, retryTime: 20, retry: RETRY });
  return { name, network, ...opened };
}

/** Waits until all devices and the server say the same. Gives the notes, without `meta`. */
export async function converged(devices, url, withinMs = 20_000) {
  let last;
  try {
    return await until(
      async () => {
        const stored = await storedNotes(url);
        last = [stored, ...(await Promise.all(devices.map(localNotes)))];
        return last.every((notes) => deepEqual(notes, stored)) && withoutVersions(stored);
      },
      'that all say the same',
      withinMs,
    );
  } catch (error) {
    error.message += `\n${last.map((notes) => JSON.stringify(notes)).join('\n')}`;
    throw error;
  }
}

async function storedNotes(url) {
  const response = await fetch(`${url}/api/notes?limit=1000`);
  const { items } = await response.json();
  return byId(items.map(({ id, data, version, etag }) => ({ ...data, id, meta: { version, etag } })));
}

async function localNotes({ notes }) {
  const found = await notes.find().exec();
  return byId(found.map((note) => note.toMutableJSON()));
}

function byId(notes) {
  return notes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function withoutVersions(notes) {
  return notes.map(({ meta: _, ...note }) => note);
}

/**
 * Writes at random. Each thing that is written has a word of its own. A word may go only when somebody who saw it wrote over
 * it or deleted it: such words are in `replaced`.
 */
export class Writers {
  written = new Set();
  replaced = new Set();
  #count = 0;

  constructor(random) {
    this.random = random;
  }

  pick(items) {
    return items[Math.floor(this.random() * items.length)];
  }

  async act({ name, notes }) {
    const id = this.pick(['n1', 'n2', 'n3', 'n4']);
    const note = await notes.findOne(id).exec();
    const word = `${name}${++this.#count}`;
    if (!note) {
      await notes.insert({ id, title: word, body: '', tags: [], unresolved: [] });
      this.written.add(word);
      return;
    }
    const act = this.random();
    if (act < 0.1) {
      const removed = await note.incrementalRemove();
      this.#replace(wordsOf(removed.toMutableJSON(true)));
    } else if (act < 0.4) {
      let before;
      await note.incrementalModify((it) => {
        before = it.title;
        return { ...it, title: word };
      });
      this.written.add(word);
      this.#replace([before]);
    } else if (act < 0.7) {
      await note.incrementalModify((it) => ({ ...it, body: `${it.body}${word}\n` }));
      this.written.add(word);
    } else {
      await note.incrementalModify((it) => ({ ...it, tags: [...it.tags, word] }));
      this.written.add(word);
    }
  }

  /** The words that are nowhere, though nobody wrote over them. */
  lost(notes) {
    const there = new Set(wordsOf(notes));
    return [...this.written].filter((word) => !there.has(word) && !this.replaced.has(word));
  }

  #replace(words) {
    for (const word of words) this.replaced.add(word);
  }
}

function wordsOf(value) {
  return JSON.stringify(value).match(/(ann|ben|cleo)\d+/g) ?? [];
}

/** Keeps a collection of RxDB and one of Detente the same: the change feed down, conditional writes up. */
import { Client } from 'detente-client';
import { Subject } from 'rxjs';
import { deepEqual, defaultConflictHandler } from 'rxdb/plugins/core';
import { replicateRxCollection } from 'rxdb/plugins/replication';
import { content, resolve } from './conflict.mjs';

/**
 * `url` is the server's, `collection` the name there. `headers` go with every request. Give `conflictHandler` to
 * `addCollections`, and the collection that you get to `start`.
 */
export function detenteReplication({ url, collection, headers = {}, fetch = globalThis.fetch, retryTime = 5_000, retry }) {
  const base = `${url}/api/${collection}`;
  /** What the last write of each document left, until the feed tells it: RxDB only notes that it was accepted. */
  const written = new Map();
  /** Refusals, by id and tag, from the push handler to the conflict handler. */
  const refusals = new Map();
  /** RxDB sends a row again when no answer came. With the key of the first time it is performed once. */
  const keys = new WeakMap();
  const turns = new Turns();

  async function pull(local, checkpoint, batchSize) {
    let place = checkpoint?.place ?? '0';
    const documents = [];
    for (let next = place; next !== null && documents.length < batchSize; ) {
      const query = new URLSearchParams({ since: place, limit: batchSize - documents.length, latest: true, include: 'last' });
      const page = await read(`${base}/_changes?${query}`);
      if (page.reset) documents.push(...(await forgotten(local)));
      documents.push(...page.items.map((row) => pulled(row.id, row, row.data ?? row.last_data)));
      ({ last: place, next } = page);
    }
    return { documents, checkpoint: { place } };
  }

  /**
   * An older copy of the store was put back: what was seen in the other one is gone, unless the log tells it again. (RxDB keeps
   * what waits to be pushed.)
   */
  async function forgotten(local) {
    const all = await local.find().exec();
    return all.filter(({ meta }) => meta).map((document) => ({ ...document.toMutableJSON(), meta: {}, _deleted: true }));
  }

  /** Follows the feed from a place on. A broken connection is opened again and goes on there, without gap or repeat. */
  async function follow(since, stream$, signal) {
    const withHeaders = (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } });
    const client = new Client({ url, fetch: withHeaders, retry });
    for await (const change of client.collection(collection).watch({ since, latest: true, include: 'last', signal })) {
      // RxDB pulls, and is told so there too.
      if (change.kind === 'reset') stream$.next('RESYNC');
      if (change.kind !== 'change') continue;
      const { place, row, lastData } = change;
      const facts = { version: row.version, etag: row.doc?.etag, deleted: !row.doc };
      stream$.next({ documents: [pulled(row.id, facts, row.doc?.value ?? lastData)], checkpoint: { place } });
    }
  }

  /** Gives the documents that somebody else changed, as they are now. */
  async function push(rows) {
    const outcomes = await Promise.allSettled(rows.map(write));
    const failed = outcomes.find(({ status }) => status === 'rejected');
    // All others are stored; when RxDB sends them again, their keys say so.
    if (failed) throw failed.reason;
    return outcomes.map(({ value }) => value).filter((document) => document !== undefined);
  }

  async function write(row) {
    const { assumedMasterState: seen, newDocumentState: mine } = row;
    // A conflict that was resolved as they have it.
    if (seen && isSame(seen, mine)) return undefined;
    const { ok, headers: told, text } = await send(row);
    if (ok) {
      // A merged write has no ETag: it left more than was sent, and the feed tells what.
      written.set(mine.id, { document: mine, tag: told.get('etag') });
      return undefined;
    }
    const problem = JSON.parse(text);
    const kind = problem.type.split('/').at(-1);
    if (mine._deleted && (kind === 'deleted' || kind === 'not-found')) return undefined;
    if (!['stale-version', 'precondition-failed', 'deleted'].includes(kind)) throw new Error(`${mine.id}: ${problem.detail}`);
    return current(mine.id, problem);
  }

  async function send(row) {
    const { newDocumentState: mine } = row;
    if (!keys.has(row)) keys.set(row, crypto.randomUUID());
    const always = { ...headers, ...conditionOf(row), 'Idempotency-Key': `"${keys.get(row)}"`, Prefer: 'conflict=merge' };
    const request = mine._deleted
      ? { method: 'DELETE', headers: always }
      : { method: 'PUT', headers: { ...always, 'Content-Type': 'application/json' }, body: JSON.stringify(content(mine)) };
    const response = await fetch(at(mine.id), request);
    return { ok: response.ok, headers: response.headers, text: await response.text() };
  }

  /** The version that the edit began from, or that there was none. */
  function conditionOf({ assumedMasterState: seen, newDocumentState: { id } }) {
    const last = written.get(id);
    const tag = last && deepEqual(last.document, seen) ? last.tag : undefined;
    const ifMatch = tag ?? seen?.meta?.etag;
    return seen && !seen._deleted && ifMatch ? { 'If-Match': ifMatch } : { 'If-None-Match': '*' };
  }

  /** The document as it is stored: in the refusal, unless it is too large for that. */
  async function current(id, problem) {
    const { current: data, current_etag: etag, current_version: version } = problem;
    if (data) {
      refusals.set(`${id} ${etag}`, problem);
      return pulled(id, { etag, version }, data);
    }
    const response = await fetch(at(id), { headers });
    const text = await response.text();
    if (response.status === 404 || response.status === 410) return pulled(id, { version: version ?? 0, deleted: true });
    if (!response.ok) throw new Error(`${id}: HTTP ${response.status}`);
    const facts = { etag: response.headers.get('etag'), version: Number(response.headers.get('document-version')) };
    return pulled(id, facts, JSON.parse(text));
  }

  async function read(address) {
    const response = await fetch(address, { headers });
    if (!response.ok) throw new Error(`${address}: HTTP ${response.status}`);
    return response.json();
  }

  const at = (id) => `${base}/${encodeURIComponent(id)}`;

  const conflictHandler = {
    // With `meta`: a copy that knows an older tag is not the same.
    isEqual: defaultConflictHandler.isEqual,
    async resolve(input) {
      const { id, meta } = input.realMasterState;
      const key = `${id} ${meta.etag}`;
      const refusal = refusals.get(key);
      refusals.delete(key);
      return resolve(input, refusal);
    },
  };

  function start(local) {
    const stream$ = new Subject();
    const ended = new AbortController();
    let isFollowed = false;
    const state = replicateRxCollection({
      collection: local,
      replicationIdentifier: base,
      live: true,
      retryTime,
      pull: {
        stream$,
        batchSize: 100,
        async handler(checkpoint, batchSize) {
          const result = await turns.take(() => pull(local, checkpoint, batchSize));
          // The first time that it has caught up.
          if (!isFollowed && result.documents.length < batchSize) {
            isFollowed = true;
            follow(result.checkpoint.place, stream$, ended.signal).catch((error) => stream$.error(error));
          }
          return result;
        },
      },
      push: { batchSize: 20, handler: (rows) => turns.take(() => push(rows)) },
    });
    state.onCancel.push(() => ended.abort());
    return state;
  }

  return { conflictHandler, start };
}

/**
 * Never a pull and a push at once. RxDB leaves out what it pulls of a document that waits to be pushed, and relies on the
 * push to be refused; a page that was read after the push was accepted has something newer.
 */
class Turns {
  #last = Promise.resolve();

  take(work) {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** Whether two states are one for the server, which has no `meta`. */
function isSame(one, other) {
  if (one._deleted || other._deleted) return one._deleted === other._deleted;
  return deepEqual(content(one), content(other));
}

/** A document as RxDB has it: its members beside the id, and the version that it is in `meta`. */
function pulled(id, { version, etag, deleted = false }, data = {}) {
  return { ...data, id, meta: { version, ...(etag && { etag }) }, _deleted: deleted };
}
